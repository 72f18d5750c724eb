import { arithmetics, type BackendName } from "#libs/recipes";
import type { Node } from "../template.ts";
import { type CellPlan, planCell } from "./cell.ts";
import { planFoundation } from "./foundation.ts";
import type { CompleteSpec } from "./specification.ts";

/** The graph of a run of digits, and where in it the report finds what belongs to each cell. */
export type DigitsPlan = {
  /** Every node comes after those it needs. */
  readonly nodes: readonly Node[];
  readonly cells: readonly CellPlan[];
};

/**
 * The graph of recipes of a recycling run (Ramé et al., ICML 2023).
 * A pure function: the same specification always gives the same graph.
 *
 * For each seed: the foundation model and its auxiliary fine-tunings. For each seed and held-out domain (a cell): one linear probe that
 * all fine-tunings share, the sets of fine-tunings, their averages, and what is measured on them.
 */
export function planDigits(spec: CompleteSpec): DigitsPlan {
  const arithmetic = arithmetics[spec.backend as BackendName];
  const nodes: Node[] = [];
  const cells: CellPlan[] = [];
  for (const seed of spec.seeds) {
    const foundation = planFoundation(spec, seed, arithmetic);
    nodes.push(...foundation.nodes);
    for (const degrees of spec.target.heldOut) {
      const cell = planCell(spec, seed, degrees, arithmetic, foundation);
      nodes.push(...cell.nodes);
      cells.push(cell.plan);
    }
  }
  return { nodes, cells };
}
