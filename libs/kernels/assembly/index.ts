import { inputs, multiples, weights } from "./mean";
import { magnitudes, thinnings } from "./sparse";

export { addProducts } from "./add-products";
export { narrow, widen } from "./convert";
export { addSparse, electSparse, sumMagnitudes } from "./sparse";
export { crc32c } from "./crc32c";
export { difference } from "./difference";
export { firstNotFinite } from "./finite";
export { gram } from "./gram";
export { turnHue } from "./hue";
export { combine } from "./linear";
export { begin } from "./mean";
export { meanF32 } from "./mean-f32";
export { meanHalf } from "./mean-half";
export { meanOfOne } from "./mean-one";
export { meanRoughly } from "./mean-rough";
export { meanWithBounds } from "./mean-bounds";
export { resizeColumns, resizeLines } from "./resize";
export { blendBytes, saturate, sumGreys } from "./tones";

/** Where the tables are that calls fill, and where memory is free. */
export function inputsTable(): usize {
  return inputs;
}

export function multiplesTable(): usize {
  return multiples;
}

export function weightsTable(): usize {
  return weights;
}

export function thinningsTable(): usize {
  return thinnings;
}

export function magnitudeSums(): usize {
  return magnitudes;
}

export function freeMemory(): usize {
  return __heap_base;
}
