export { type Attribute, type Binding, loadBinding, type TensorHandle } from "./binding.ts";
export { SetupError } from "./errors.ts";
export { findTensorflow, type Installed } from "./installed.ts";
export { type Variant, variants } from "./packages.ts";
export { tensorflowPlace } from "./place.ts";
export { probe } from "./probe.ts";
export { complaint, runProgram } from "./run-program.ts";
export { type SetupProgress, setupTensorflow } from "./setup.ts";
