import type { Lessons } from "../planner.ts";
import type { Node, Source } from "../template.ts";
import { type CellPlan, planCell } from "./cell.ts";
import { planFoundation } from "./foundation.ts";
import type { CompleteStudy } from "./specification.ts";

/** The graph of a study, and where in it the report finds what belongs to each cell. */
export type StudyPlan = {
  /** Every node comes after those it needs. */
  readonly nodes: readonly Node[];
  readonly cells: readonly CellPlan[];
  readonly lessons: Lessons;
};

/**
 * The graph of recipes of a study (Ramé et al., ICML 2023). A pure function.
 *
 * Once: data, the foundation, fine-tunings on auxiliary tasks. For each trial a split of the target. For each trial and held-out domain (a
 * cell): one linear probe of the foundation that all fine-tunings share, the sets of fine-tunings, their averages, predictions of all of
 * these and of mixtures that are published nowhere, and what is measured of the predictions.
 */
export function planStudy(spec: CompleteStudy): StudyPlan {
  const { study, seeds } = spec;
  const shared = planFoundation(spec);
  const nodes: Node[] = [...shared.nodes];
  const cells: CellPlan[] = [];
  for (const seed of seeds) {
    const split: Source = { node: `${seed}/split` };
    nodes.push({
      id: split.node,
      stage: "data",
      label: `seed ${seed} · split`,
      template: {
        kind: "split",
        inputs: { dataset: shared.target },
        parameters: shared.recipes.split({ fraction: study.validationFraction, trial: seed }),
      },
      work: 1e6,
      expendable: false,
    });
    for (const heldOut of study.heldOut) {
      const cell = planCell(spec, shared, seed, heldOut, split);
      nodes.push(...cell.nodes);
      cells.push(cell.plan);
    }
  }
  return { nodes, cells, lessons: shared.lessons };
}
