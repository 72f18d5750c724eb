import type { Method, Paper, Program, TensorTask, Values } from "../../method.ts";

export const RATATOUILLE_PAPER: Paper = {
  authors: "Ramé et al.",
  year: 2023,
  title: "Model Ratatouille: recycling diverse models for out-of-distribution generalization",
  link: "https://arxiv.org/abs/2212.10445",
};

/** A program that gathers the models' numbers of each element and applies a rule, made for the tensor. */
export function elementwise(ruleFor: (task: TensorTask) => (values: Float64Array) => number): Method["program"] {
  return (task): Program => {
    const rule = ruleFor(task);
    const gathered = new Float64Array(task.models);
    return {
      kind: "ranges",
      of: "models",
      reductions: [],
      apply({ models, count }, _, out) {
        for (let i = 0; i < count; i++) out[i] = rule(gather(models, i, gathered));
      },
    };
  };
}

function gather(models: readonly Values[], index: number, into: Float64Array): Float64Array {
  for (let k = 0; k < models.length; k++) into[k] = models[k]![index]!;
  return into;
}

/** The sign that all have, 0 where they do not agree or one is zero. */
export function commonSign(values: Float64Array): number {
  const first = Math.sign(values[0]!);
  for (let k = 1; k < values.length; k++) if (Math.sign(values[k]!) !== first) return 0;
  return first;
}
