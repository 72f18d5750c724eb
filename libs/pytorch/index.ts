export { findTorch, type Installed } from "./installed.ts";
export { type Build, SIZES, torchPlace } from "./place.ts";
export { type SetupStage, setupTorch } from "./setup.ts";
