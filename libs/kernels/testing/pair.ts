import assert from "node:assert/strict";
import fc from "fast-check";
import { narrow } from "#libs/tensors";
import { loadKernels } from "../kernels.ts";
import { loadTwins } from "../twins/twins.ts";
import { ELEMENT_BYTES, type ElementType, type Kernels } from "../types.ts";

const TYPES = ["F64", "F32", "F16", "BF16"] as const;

export const anyType = fc.constantFrom<ElementType>(...TYPES);

/** Numbers that make kernels fail: any pattern, and those near each other, near ties, near the ends of the types, zeros of both signs. */
export const anyNumber: fc.Arbitrary<number> = fc.oneof(
  { weight: 4, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 4, arbitrary: fc.integer({ min: -4096, max: 4096 }).map((n) => n / 256) },
  { weight: 3, arbitrary: fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -150, max: 127 })).map(([n, e]) => n * 2 ** e) },
  { weight: 2, arbitrary: fc.constantFrom(0, -0, 1, -1, 1 + 2 ** -23, 1 - 2 ** -24, 2 ** -149, -(2 ** -149), 2 ** -24, 3 * 2 ** -25) },
  { weight: 1, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(65504, 65519, 65520, -65536, 3.4028234663852886e38, -3.3895313892515355e38) },
);

/** The same, sometimes not finite. */
export const anyValue = fc.oneof(
  { weight: 12, arbitrary: anyNumber },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);

/** As many inputs of as many elements as fit, at an address with an offset that need not be a multiple of the element. */
export function anyInputs(value: fc.Arbitrary<number>, most = { inputs: 9, count: 21 }) {
  return fc
    .tuple(fc.integer({ min: 1, max: most.inputs }), fc.nat({ max: most.count }), fc.nat({ max: 9 }))
    .chain(([inputs, count, shift]) =>
      fc.record({
        columns: fc.array(fc.array(value, { minLength: count, maxLength: count }), { minLength: inputs, maxLength: inputs }),
        count: fc.constant(count),
        shift: fc.constant(shift),
      }),
    );
}

/** The compiled kernels and their twins, with the same things at the same addresses. */
export function createPair() {
  const pair: readonly [Kernels, Kernels] = [loadKernels(), loadTwins()];
  // The same addresses in both, above what either needs itself.
  const start = pair[0].allocate(1 << 20);
  while (pair[1].allocate(1024) < start + (1 << 20));
  let next = start;
  const reserve = (bytes: number, shift = 0) => {
    const address = next + shift;
    next += Math.ceil((bytes + shift) / 64) * 64 + 64;
    return address;
  };
  return {
    compiled: pair[0],
    twin: pair[1],
    reserve,
    reset() {
      next = start;
      for (const kernels of pair) kernels.bytes(start, 1 << 20).fill(0xa5);
    },
    /** Writes numbers as elements into both; where. */
    put(type: ElementType, values: readonly number[], shift = 0): number {
      const bytes = new Uint8Array(values.length * ELEMENT_BYTES[type]);
      narrow(type, Float64Array.from(values), bytes);
      const address = reserve(bytes.length, shift);
      for (const kernels of pair) kernels.bytes(address, bytes.length).set(bytes);
      return address;
    },
    /** Fails unless the same bytes stand in both. */
    assertSame(address: number, length: number, message?: string): void {
      assert.deepEqual(pair[0].bytes(address, length), pair[1].bytes(address, length), message);
    },
  };
}
