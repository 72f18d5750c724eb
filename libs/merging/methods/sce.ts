import type { Method, Program, Range, Reduction, TensorTask } from "../method.ts";
import { inline } from "./shared/inline.ts";
import { maskBand } from "./shared/mask.ts";
import { numberOf } from "./shared/parameters.ts";
import { type CutIn, cutIn, cutsOf, selectLargest } from "./shared/select.ts";

/**
 * Wan et al. 2024: select the elements in which the models differ most, calculate weights from the energy of what is left of each model,
 * erase what has not the elected sign. Variances are compared as floats, equal ones at the end are taken by index.
 */
export const sce: Method = {
  name: "sce",
  title: "SCE",
  summary: "The elements with the largest variance between models, weighted by each model's energy, where signs agree.",
  formula:
    "θ = θ_0 + Σ_{i∈A} η_i τ̂_i / Σ_{i∈A} η_i,  η_i = Σ τ̂_i² / Σ_j Σ τ̂_j²,  τ̂_i = τ_i where Var_i τ_i is among the top k,  A as in TIES",
  paper: {
    authors: "Wan et al.",
    year: 2024,
    title: "FuseChat: knowledge fusion of chat models",
    link: "https://arxiv.org/abs/2408.07990",
  },
  parameters: [
    {
      name: "select_topk",
      scope: "merge",
      type: "number",
      default: 1,
      min: 0,
      max: 1,
      description: "the part of the elements with any variance that stays, those with the largest",
    },
  ],
  base: "required",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  program: sceProgram,
};

const PASSES = 3;

function sceProgram({ shape, models: count, parameters: { merge } }: TensorTask): Program {
  const part = numberOf(merge, "select_topk");
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const selection = {
    elements,
    streams: 1,
    cuts: 1,
    at: 0,
    keys: variances,
    wanted: (_: number, __: number, nonzero: number) => [Math.floor(part * nonzero)],
  };
  const passes = part >= 1 ? [] : selectLargest(selection);
  /** 1 for an element that stays, else 0. */
  const selected = (range: Range, results: readonly unknown[]): Float32Array => {
    const mask = new Float32Array(range.count).fill(1);
    if (part >= 1) return mask;
    const keys = variances(range);
    const keep: CutIn = cutIn(range, keys, cutsOf(results.slice(0, PASSES), selection)[0]!);
    const kept = new Float32Array(range.count);
    maskBand(keys, range.first, { keep }, kept);
    for (let i = 0; i < range.count; i++) mask[i] = kept[i] === 0 ? 0 : 1;
    return mask;
  };
  const energy: Reduction = {
    order: "blocks",
    scope: "tensor",
    block(range: Range, results: readonly unknown[]) {
      const mask = selected(range, results);
      return Float64Array.from(range.models, (values) => {
        let sum = 0;
        for (let i = 0; i < range.count; i++) sum += mask[i] === 0 ? 0 : values[i]! * values[i]!;
        return sum;
      });
    },
    merge: (a: Float64Array, b: Float64Array) => a.map((value, k) => value + b[k]!),
    finish(total: Float64Array) {
      const all = total.reduce((sum, value) => sum + value, 0);
      if (all < Number.POSITIVE_INFINITY) return total.map((value) => (all === 0 ? 1 / count : value / all));
      // Where squares overflow, the largest share the weight: nothing becomes NaN.
      const largest = Math.max(...total);
      const equal = total.filter((value) => value === largest).length;
      return total.map((value) => (value === largest ? 1 / equal : 0));
    },
  };
  const apply = (range: Range, results: readonly unknown[], out: Float64Array) => {
    const mask = selected(range, results);
    const weights = results[passes.length] as Float64Array;
    const { models } = range;
    for (let i = 0; i < range.count; i++) {
      let sum = 0;
      for (let k = 0; k < count; k++) sum += models[k]![i]!;
      let merged = 0;
      let weight = 0;
      for (let k = 0; k < count; k++) {
        const value = models[k]![i]!;
        if (value === 0 || value > 0 !== sum >= 0) continue;
        merged += weights[k]! * value;
        weight += weights[k]!;
      }
      out[i] = range.base![i]! + (mask[i] === 0 || weight === 0 ? 0 : merged / weight);
    }
  };
  return inline({ kind: "ranges", of: "differences", reductions: [...passes, energy], apply }, elements);
}

/** The variance of each element over the models, as floats. */
function variances({ models, count }: Range): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let k = 0; k < models.length; k++) sum += models[k]![i]!;
    const mean = sum / models.length;
    let squares = 0;
    for (let k = 0; k < models.length; k++) squares += (models[k]![i]! - mean) * (models[k]![i]! - mean);
    out[i] = squares / models.length;
  }
  return out;
}
