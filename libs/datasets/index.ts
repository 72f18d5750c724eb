export { type Dataset, FEATURES, SIDE, splitDataset } from "./dataset.ts";
export { decodeDataset, encodeDataset } from "./encoding.ts";
export { DatasetError } from "./errors.ts";
export { type GlyphsSpec, generateGlyphs, glyphsInSteps, symbol } from "./glyphs.ts";
export { type IdxArray, IdxError, type IdxRule, parseIdx } from "./idx.ts";
export { type DigitsSource, type RotatedDigitsSpec, rotatedDigits, rotatedDigitsInSteps } from "./rotated-digits.ts";
