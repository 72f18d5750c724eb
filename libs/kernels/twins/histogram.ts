import type { HistogramArguments } from "../types.ts";

/** The specification of `Kernels.histogram`. */
export function histogramTwin(memory: WebAssembly.Memory, args: HistogramArguments): void {
  const { values, type, count, bins, shift, width, prefix } = args;
  const view = new DataView(memory.buffer);
  const counters = new Uint32Array(memory.buffer, bins, 2 ** width);
  for (let i = 0; i < count; i++) {
    const bits = type === "F32" ? BigInt(view.getUint32(values + 4 * i, true)) : view.getBigUint64(values + 8 * i, true);
    const pattern = BigInt.asUintN(type === "F32" ? 31 : 63, bits);
    if (prefix !== undefined && Number(pattern >> BigInt(shift + width)) !== prefix) continue;
    counters[Number(BigInt.asUintN(width, pattern >> BigInt(shift)))]! += 1;
  }
}
