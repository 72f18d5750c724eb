export { crossEntropy } from "./cross-entropy.ts";
export type { Engine, Kernels, Tensor } from "./kernels.ts";
export { createModel, type Model } from "./network/model.ts";
export { forwardPass, gradientPass } from "./network/passes.ts";
export { planOf } from "./network/plan.ts";
export { EngineMissingError, openEngine } from "./open-engine.ts";
export { OutOfMemoryError } from "./tensorflow/runner.ts";
