export { type Dataset, FEATURES, SIDE, splitDataset } from "./dataset.ts";
export { decodeDataset, encodeDataset } from "./encoding.ts";
export { type GlyphsSpec, generateGlyphs, symbol } from "./glyphs.ts";
export { type IdxArray, IdxError, type IdxRule, parseIdx } from "./idx.ts";
export { type RotatedDigitsSpec, rotatedDigits } from "./rotated-digits.ts";
