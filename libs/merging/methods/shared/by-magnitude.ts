import type { Range } from "../../method.ts";
import { type Band, limitsAt, maskBand } from "./mask.ts";
import { cutIn, cutsOf, passesOfSelection, selectLargest } from "./select.ts";
import type { Sparsifier } from "./sparse.ts";

export type Kept = {
  readonly elements: number;
  readonly models: number;
  /** Of so many numbers of a model: how many of the largest are dropped, and how many of the largest are left after that. */
  readonly wanted: (model: number, elements: number) => { readonly drop: number; readonly keep: number };
  /** Over each tensor, with equal magnitudes at the end taken by index; or over the whole model, where they are all in. */
  readonly scope: "tensor" | "model";
  /** Whether any model drops its largest. */
  readonly drops: boolean;
};

/** Keeps the differences of a model by the rank of their magnitudes. Its last result is that of the selection. */
export function byMagnitude({ elements, models, wanted, scope, drops }: Kept): Sparsifier {
  const cuts = drops ? 2 : 1;
  const at = 0;
  const keys = (range: Range, model: number) => range.models[model]!;
  const selection = {
    elements,
    streams: models,
    keys,
    cuts,
    at,
    scope,
    wanted(model: number, all: number) {
      const { drop, keep } = wanted(model, all);
      return drops ? [drop + keep, drop] : [keep];
    },
  };
  const bandsOf = (range: Range, results: readonly unknown[]): readonly Band[] => {
    const found = cutsOf(results.slice(at, at + passesOfSelection(scope)), selection);
    return range.models.map((values, model) => {
      const keep = cutIn(range, values, found[model * cuts]!);
      return drops ? { keep, drop: cutIn(range, values, found[model * cuts + 1]!) } : { keep };
    });
  };
  return {
    reductions: selectLargest(selection),
    over(range, results) {
      const bands = bandsOf(range, results);
      return (model, from, to, out) => {
        const values = range.models[model]!.subarray(from, to);
        maskBand(values, range.first + from, bands[model]!, out);
        return out;
      };
    },
    compiled(range, results) {
      const bands = bandsOf(range, results);
      return (model, from) => {
        const { low, high, until } = limitsAt(bands[model]!, range.first + from);
        return { thinning: { kind: "band", above: low, below: high }, until: until - range.first };
      };
    },
  };
}
