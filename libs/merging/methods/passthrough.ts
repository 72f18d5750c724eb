import type { Method } from "../method.ts";
import { numbersOf } from "./shared/parameters.ts";

/** One model as it is, or scaled: what layers are stacked with. */
export const passthrough: Method = {
  name: "passthrough",
  title: "Passthrough",
  summary: "The weights of one model, multiplied by a number.",
  formula: "θ = scale · θ_1",
  parameters: [{ name: "scale", scope: "model", type: "number", default: 1, description: "what the weights are multiplied by" }],
  base: "none",
  models: { min: 1, max: 1 },
  program: ({ parameters: { models } }) => ({ kind: "mean", weights: numbersOf(models, "scale"), divisor: 1 }),
};
