const PAGE = 65536;
const ALIGNMENT = 64;

/** Addresses of one memory, given out one after another from `start` on, and views of them. */
export function createArena(memory: WebAssembly.Memory, start: number) {
  let next = align(start);
  return {
    memory,
    allocate(bytes: number): number {
      const address = next;
      const end = align(address + bytes);
      const missing = end - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
      next = end;
      return address;
    },
    release(): void {
      next = align(start);
    },
    bytes: (address: number, length: number) => new Uint8Array(memory.buffer, address, length),
    uint32: (address: number, count: number) => new Uint32Array(memory.buffer, address, count),
    float32: (address: number, count: number) => new Float32Array(memory.buffer, address, count),
    float64: (address: number, count: number) => new Float64Array(memory.buffer, address, count),
  };
}

function align(address: number): number {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT;
}
