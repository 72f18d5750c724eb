import type { Digest } from "#libs/recipes";
import type { Method } from "#libs/reporting";
import type { Planner } from "../planner.ts";
import { domainName } from "./cell.ts";
import { CLASSES } from "./cell-builder.ts";
import { collectCells } from "./collect.ts";
import { planDigits } from "./plan.ts";
import { checkSpec, completeSpec } from "./specification.ts";

/** Plans the digits benchmark: one multilayer perceptron, drawn symbols, handwritten digits in domains that differ by rotation. */
export const digits: Planner = {
  check: checkSpec,
  plan(sent) {
    const spec = completeSpec(sent);
    const { nodes, cells } = planDigits(spec);
    return {
      nodes,
      sources: [{ digest: spec.target.source as Digest, name: `the source ${spec.target.source} of the target` }],
      task: {
        name: "digits",
        source: spec.target.source,
        domains: spec.target.domains.map(domainName),
        heldOut: spec.target.heldOut.map(domainName),
        seeds: spec.seeds,
        members: spec.fineTuning.members,
        classes: CLASSES,
        methods: spec.methods as Method[],
        backend: spec.backend,
      },
      recycled: cells.flatMap(({ seed, heldOut, averages }) => {
        const node = averages.find(({ method }) => method === "recycling")?.node;
        return node === undefined ? [] : [{ seed, heldOut, node }];
      }),
      collect: (outcomes, readCurve) => collectCells(cells, outcomes, readCurve),
    };
  },
};
