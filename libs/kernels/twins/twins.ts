import { createArena } from "../memory.ts";
import type { ElementType, Kernels } from "../types.ts";
import { addProductsTwin } from "./add-products.ts";
import { crc32cTwin } from "./crc32c.ts";
import { readElements, writeElements } from "./elements.ts";
import { turnHueTwin } from "./hue.ts";
import { combineTwin, differenceTwin, gramTwin } from "./linear.ts";
import { meanTwin } from "./mean.ts";
import { resizeColumnsTwin, resizeLinesTwin } from "./resize.ts";
import { addSparseTwin, electSparseTwin, magnitudesTwin } from "./sparse.ts";
import { blendBytesTwin, saturateTwin, sumGreysTwin } from "./tones.ts";

/** The kernels in plain TypeScript: what the compiled ones have to agree with, bit for bit. */
export function loadTwins(): Kernels {
  const memory = new WebAssembly.Memory({ initial: 1 });
  return {
    ...createArena(memory, 64),
    mean: (args) => meanTwin(memory, args),
    combine: (args) => combineTwin(memory, args),
    difference: (type, from, minus, out, count) => differenceTwin(memory, type, from, minus, out, count),
    addProducts: (args) => addProductsTwin(memory, args),
    gram: (args) => gramTwin(memory, args),
    widen(type: ElementType, from, to, toType, count) {
      if (type === "F64" && toType === "F32") throw new TypeError("F64 does not fit into F32 without loss: narrow it");
      writeElements(memory, toType, to, readElements(memory, type, from, count));
    },
    narrow: (from, type, to, count) => writeElements(memory, type, to, readElements(memory, "F64", from, count)),
    addSparse: (args) => addSparseTwin(memory, args),
    electSparse: (args) => electSparseTwin(memory, args),
    magnitudes: (values, thinning, count) => magnitudesTwin(memory, values, thinning, count),
    firstNotFinite: (type, address, count) => readElements(memory, type, address, count).findIndex((value) => !Number.isFinite(value)),
    crc32c: (address, length, seed = 0) => crc32cTwin(memory, address, length, seed),
    resizeLines: (args) => resizeLinesTwin(memory, args),
    resizeColumns: (args) => resizeColumnsTwin(memory, args),
    turnHue: (pixels, count, turn) => turnHueTwin(memory, pixels, count, turn),
    blendBytes: (bytes, count, base, factor) => blendBytesTwin(memory, bytes, count, base, factor),
    saturate: (pixels, count, factor) => saturateTwin(memory, pixels, count, factor),
    sumGreys: (pixels, count) => sumGreysTwin(memory, pixels, count),
  };
}
