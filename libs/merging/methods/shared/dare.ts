import type { Parameter, Program, TensorTask } from "../../method.ts";
import { byChance } from "./by-chance.ts";
import { density, lambda, normalize, numbersOf, weight } from "./parameters.ts";
import { sparseProgram } from "./sparse.ts";

export const DARE_PAPER = {
  authors: "Yu et al.",
  year: 2023,
  title: "Language models are super Mario: absorbing abilities from homologous models as a free lunch",
  link: "https://arxiv.org/abs/2311.03099",
} as const;

export const DARE_PARAMETERS: readonly Parameter[] = [
  weight,
  density("the probability that a difference stays: 1 − p"),
  normalize(false),
  lambda,
  {
    name: "rescale",
    scope: "merge",
    type: "boolean",
    default: true,
    description: "multiply what stays by 1 / density, so that the expectation is as before",
  },
  {
    name: "match_l1",
    scope: "merge",
    type: "boolean",
    default: false,
    description: "rescale as mergekit does: so that the sum of magnitudes of each tensor's differences is as before",
  },
];

export function dareProgram(task: TensorTask, consensus: boolean): Program {
  const { merge, models } = task.parameters;
  const rescale = merge["rescale"] === true;
  const matchL1 = rescale && merge["match_l1"] === true;
  const densities = numbersOf(models, "density");
  return sparseProgram(task, {
    sparsifier: byChance(task),
    consensus,
    matchL1,
    scale: (model) => (rescale && densities[model]! > 0 ? 1 / densities[model]! : 1),
  });
}
