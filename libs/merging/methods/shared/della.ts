import { uint32 } from "#libs/deterministic";
import type { Parameter, Program, TensorTask, Values } from "../../method.ts";
import { density, divisorOf, lambda, normalize, numberOf, numbersOf, weight } from "./parameters.ts";
import { seedOf } from "./random.ts";
import { ranksOf } from "./ranks.ts";

export const DELLA_PAPER = {
  authors: "Deep et al.",
  year: 2024,
  title: "DELLA-Merging: reducing interference in model merging through magnitude-based sampling",
  link: "https://arxiv.org/abs/2406.11617",
} as const;

export function dellaParameters(normalized: boolean): readonly Parameter[] {
  return [
    weight,
    density("the mean probability that a difference stays: 1 − p"),
    {
      name: "epsilon",
      scope: "model",
      type: "number",
      default: 0.15,
      min: 0,
      max: 0.5,
      description: "the smallest differences of a row stay with density − epsilon, the largest with density + epsilon",
    },
    normalize(normalized),
    lambda,
    {
      name: "rescale",
      scope: "merge",
      type: "boolean",
      default: true,
      description: "divide each number that stays by the probability that it does, so that the expectation is as before",
    },
  ];
}

/**
 * MagPrune: in each row of a model's differences, the probability to stay grows evenly with the rank of the magnitude. A row is what belongs
 * to one output: all but the first dimension; a vector is one row.
 */
export function dellaProgram(task: TensorTask, consensus: boolean): Program {
  const { name, shape, models: count, seed, digests } = task;
  const { merge, models } = task.parameters;
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  const row = shape.length < 2 ? elements : elements / shape[0]!;
  const weights = numbersOf(models, "weight");
  const normalized = merge["normalize"] === true;
  const scale = numberOf(merge, "lambda");
  const divisor = divisorOf(weights, normalized);
  const prunings = weights.map((_, k): Pruning => {
    const [part, epsilon] = [numberOf(models[k]!, "density"), numberOf(models[k]!, "epsilon")];
    if (part > 0 && part < 1 && (part + epsilon >= 1 || part - epsilon <= 0))
      throw new RangeError(`density ± epsilon is ${part} ± ${epsilon}: both have to be between 0 and 1`);
    return { density: part, epsilon, rescale: merge["rescale"] === true, seed: seedOf(seed, digests[k]!, name) };
  });
  return {
    kind: "whole",
    split: Math.max(1, row),
    apply({ models: values, base }, out, first) {
      for (let from = 0; from < out.length; from += row) {
        const origin = base!.subarray(from, from + row);
        const kept = values.map((one, k) => prune(differences(one.subarray(from, from + row), origin), first + from, prunings[k]!));
        for (let i = 0; i < origin.length; i++) {
          let sum = 0;
          for (let k = 0; k < count; k++) sum += weights[k]! * kept[k]![i]!;
          let merged = consensus ? 0 : sum;
          let total = 0;
          for (let k = 0; consensus && k < count; k++) {
            const term = weights[k]! * kept[k]![i]!;
            if (term === 0 || term > 0 !== sum >= 0) continue;
            merged += term;
            total += weights[k]!;
          }
          if (!consensus) total = divisor;
          out[from + i] = origin[i]! + scale * (normalized && total !== 0 ? merged / total : merged);
        }
      }
    },
  };
}

/** Rounded to the type of the values, as PyTorch has it. */
function differences(values: Values, base: Values): Values {
  return values.map((value, i) => value - base[i]!) as Values;
}

type Pruning = { readonly density: number; readonly epsilon: number; readonly rescale: boolean; readonly seed: number };

/** What stays of one row, whose first element has that index in the tensor. */
function prune(row: Values, first: number, { density: part, epsilon, rescale, seed }: Pruning): Float64Array {
  if (part >= 1) return Float64Array.from(row);
  const kept = new Float64Array(row.length);
  if (part <= 0) return kept;
  const ranks = ranksOf(row);
  for (let i = 0; i < row.length; i++) {
    const stays = row.length === 1 ? part : part - epsilon + (2 * epsilon * ranks[i]!) / (row.length - 1);
    if (uint32(seed, first + i) < stays * 2 ** 32) kept[i] = rescale ? row[i]! / stays : row[i]!;
  }
  return kept;
}
