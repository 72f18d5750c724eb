export { type DecodeOptions, decodeImage, MAX_PIXELS } from "./decode.ts";
export { ImageError, type ImageErrorKind } from "./errors.ts";
export { formatOf, type ImageFormat } from "./format.ts";
export type { Box, Picture, Size } from "./picture.ts";
export { applyOperations } from "./presets/apply.ts";
export { drawOperations, isFixed } from "./presets/draw.ts";
export { PRESET_NAMES, type PresetName, presetOf } from "./presets/presets.ts";
export type { Operation, Step } from "./presets/step.ts";
export { resize } from "./transforms/resize.ts";
