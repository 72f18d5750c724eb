import type { Digest } from "#libs/recipes";
import type { Method } from "#libs/reporting";
import { list } from "#libs/text";
import type { Plan, Planner } from "../planner.ts";
import { collectStudy } from "./collect.ts";
import { planStudy } from "./plan.ts";
import { type CompleteStudy, checkStudy, completeStudy, enginesOf } from "./specification.ts";

/** Plans runs on pictures of any kind, with any network. */
export const study: Planner = {
  check: checkStudy,
  plan(sent) {
    const spec = completeStudy(sent);
    const { nodes, cells, lessons } = planStudy(spec);
    const { target, heldOut, members, network } = spec.study;
    return {
      nodes,
      sources: sourcesOf(spec),
      lessons,
      ...(lessons.heldOutItems > 0 ? { heldOutItems: { data: lessons.target, share: lessons.heldOutItems } } : {}),
      task: {
        name: spec.name,
        source: target.source,
        domains: target.domains,
        heldOut,
        seeds: spec.seeds,
        members,
        classes: target.classes.length,
        methods: spec.methods as Method[],
        backend: [list(enginesOf(spec).backends, "or"), ...(spec.study.arithmetic ? [spec.study.arithmetic] : [])].join(", "),
        network: network.name,
        classNames: target.classes,
      },
      recycled: cells.flatMap((cell) => {
        const node = cell.averages.find(({ method }) => method === "recycling")?.node;
        return node === undefined ? [] : [{ seed: cell.seed, heldOut: cell.heldOut, node }];
      }),
      collect: (outcomes, readCurve) => collectStudy(cells, outcomes, readCurve),
    };
  },
};

/** Pictures and models that the specification names by digest, each once. */
function sourcesOf({ study: { target, foundation, auxiliaries } }: CompleteStudy): Plan["sources"] {
  const from = foundation?.from;
  const found: { readonly digest: string; readonly name: string }[] = [
    { digest: target.source, name: `the source ${target.source} of the target` },
    ...(from?.case === "model" ? [{ digest: from.value, name: `the foundation model ${from.value}` }] : []),
    ...(from?.case === "pretraining" ? [sourceOf(from.value.task!.source, "the foundation")] : []),
    ...auxiliaries.flatMap(({ name, models, task }) => [
      ...models.map((digest) => ({ digest, name: `the model ${digest} of ${name}` })),
      ...(task ? [sourceOf(task.source, name)] : []),
    ]),
  ];
  const known = new Map(found.map(({ digest, name }) => [digest, { digest: digest as Digest, name }]));
  return [...known.values()];
}

function sourceOf(digest: string, task: string): { readonly digest: string; readonly name: string } {
  return { digest, name: `the source ${digest} of ${task}` };
}
