import type { Method, Program, Values } from "../method.ts";
import { cholesky, solveCholesky } from "./shared/cholesky.ts";
import { numberOf } from "./shared/parameters.ts";

/**
 * Jin et al. 2022: the linear layer whose outputs are nearest to what each model's layer makes of its own inputs. `W` is as PyTorch has it,
 * outputs × inputs, so every row is a system of equations of its own. The ridge pulls towards the plain mean, which is what inputs get
 * that no model has ever seen. Tensors without Gram matrices are the plain mean, as in the paper.
 */
export const regmean: Method = {
  name: "regmean",
  title: "RegMean",
  summary: "Linear layers by regression on the models' own inputs, given their Gram matrices; everything else is the mean.",
  formula: "W = (Σ W_i G̃_i + r W̄) (Σ G̃_i + r I)^{−1},  G̃ = α G + (1−α) diag G,  G_i = X_iᵀX_i / n_i,  W̄ = (1/M) Σ W_i",
  paper: {
    authors: "Jin et al.",
    year: 2022,
    title: "Dataless knowledge fusion by merging weights of language models",
    link: "https://arxiv.org/abs/2212.09849",
  },
  parameters: [
    {
      name: "alpha",
      scope: "merge",
      type: "number",
      default: 0.9,
      min: 0,
      max: 1,
      description: "what stays of the Gram matrices off the diagonal",
    },
    {
      name: "ridge",
      scope: "merge",
      type: "number",
      default: 1e-8,
      min: 0,
      description: "r, as a part of the mean of the diagonal of Σ G",
    },
  ],
  base: "none",
  models: { min: 1, max: Number.POSITIVE_INFINITY },
  statistics: "gram",
  program({ name, shape, models: count, hasStatistics, parameters: { merge } }): Program {
    if (hasStatistics === false) return { kind: "mean", weights: new Array<number>(count).fill(1), divisor: count };
    const inputs = shape.at(-1) ?? 1;
    const alpha = numberOf(merge, "alpha");
    let system: System | undefined;
    return {
      kind: "whole",
      split: inputs,
      apply({ models, statistics }, out) {
        if (statistics === undefined) throw new RangeError(`${name}: RegMean needs the Gram matrix of its inputs from every model`);
        system ??= systemOf(statistics, inputs, alpha, numberOf(merge, "ridge"), name);
        const row = new Float64Array(inputs);
        for (let first = 0; first < out.length; first += inputs) {
          rightSide(models, statistics, first, alpha, system.ridge, row);
          solveCholesky(system.factor, inputs, row);
          out.set(row, first);
        }
      },
    };
  },
};

type System = { readonly factor: Float64Array; readonly ridge: number };

/** Σ G̃_i + r I, factored. */
function systemOf(grams: readonly Values[], size: number, alpha: number, part: number, name: string): System {
  const total = new Float64Array(size * size);
  for (const gram of grams) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) total[i * size + j]! += (i === j ? 1 : alpha) * gram[i * size + j]!;
    }
  }
  let trace = 0;
  for (let i = 0; i < size; i++) trace += total[i * size + i]!;
  // Without any input at all the ridge alone has to do, and gives the mean.
  const ridge = trace > 0 ? (part * trace) / size : 1;
  for (let i = 0; i < size; i++) total[i * size + i]! += ridge;
  if (!cholesky(total, size))
    throw new RangeError(`${name}: the Gram matrices are singular; give a ridge above ${part}, or an alpha below ${alpha}`);
  return { factor: total, ridge };
}

/** Σ W_i G̃_i + r W̄ of one row. */
function rightSide(
  models: readonly Values[],
  grams: readonly Values[],
  first: number,
  alpha: number,
  ridge: number,
  out: Float64Array,
): void {
  const size = out.length;
  out.fill(0);
  for (let k = 0; k < models.length; k++) {
    const weights = models[k]!;
    const gram = grams[k]!;
    for (let i = 0; i < size; i++) {
      const weight = weights[first + i]!;
      for (let j = 0; j < size; j++) out[j]! += weight * (i === j ? 1 : alpha) * gram[i * size + j]!;
      out[i]! += (ridge * weight) / models.length;
    }
  }
}
