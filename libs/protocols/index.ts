export { type Drawn, drawRanges } from "./domainbed/draw-ranges.ts";
export { randomState } from "./domainbed/random-state.ts";
export { seedHash } from "./domainbed/seed-hash.ts";
export { splitRows } from "./domainbed/split-rows.ts";
export { type TorchGenerator, torchGenerator } from "./torch/generator.ts";
