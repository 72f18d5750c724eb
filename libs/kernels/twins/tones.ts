/** The specification of `Kernels.blendBytes`. */
export function blendBytesTwin(memory: WebAssembly.Memory, address: number, count: number, base: number, factor: number): void {
  const bytes = new Uint8Array(memory.buffer, address, count);
  for (let i = 0; i < count; i++) bytes[i] = blend(bytes[i]!, base, factor);
}

/** The specification of `Kernels.saturate`. */
export function saturateTwin(memory: WebAssembly.Memory, address: number, count: number, factor: number): void {
  const pixels = new Uint8Array(memory.buffer, address, count * 3);
  for (let i = 0; i < pixels.length; i += 3) {
    const grey = greyAt(pixels, i);
    for (let channel = i; channel < i + 3; channel++) pixels[channel] = blend(pixels[channel]!, grey, factor);
  }
}

/** The specification of `Kernels.sumGreys`. */
export function sumGreysTwin(memory: WebAssembly.Memory, address: number, count: number): number {
  const pixels = new Uint8Array(memory.buffer, address, count * 3);
  let sum = 0;
  for (let i = 0; i < pixels.length; i += 3) sum += greyAt(pixels, i);
  return sum;
}

function greyAt(pixels: Uint8Array, i: number): number {
  return (pixels[i]! * 19595 + pixels[i + 1]! * 38470 + pixels[i + 2]! * 7471 + 0x8000) >> 16;
}

function blend(value: number, base: number, factor: number): number {
  const difference = Math.fround(Math.fround(factor) * (value - base));
  return Math.min(255, Math.max(0, Math.trunc(Math.fround(base + difference))));
}
