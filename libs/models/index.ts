export type { ModelFiles, TensorPlace, WeightsFile } from "./types.ts";
