import { decide } from "./decide";
import { notFinite, roundDoubles, store4, storeDoubles } from "./round";
import { F64, sizeOf } from "./types";

// How a mean is decided, fastest first:
// 1. Sums that lose nothing, because the exponents of the terms lie close together: of f32 in f64, of f16 and bf16 in f32.
//    Their quotient, rounded to f64 (f32) and then to the type, is right: see twins/mean.ts.
// 2. Sums with a bound of what they lost: right if both ends of the interval round to the same.
// 3. One element after another with twice the digits: `decide`.

/** Tables of at most 4096 inputs: addresses; weights as whole numbers where they are some, for 1 and 2; weights as they were given, for 3. */
export const inputs: usize = memory.data(4096 * 4, 64);
export const multiples: usize = memory.data(4096 * 8, 64);
export const weights: usize = memory.data(4096 * 8, 64);

@inline export function input(k: i32): usize {
  return load<usize>(inputs + (<usize>k << 2));
}

@inline export function multiple(k: i32): v128 {
  return v128.load64_splat(multiples + (<usize>k << 3));
}

// What a call has in common for all elements.
export let many: i32 = 0;
export let outType: i32 = 0;
export let outAddress: usize = 0;
let undecided: usize = 0;
let open: i32 = 0;
export let type: i32 = 0;
let givenDivisor: f64 = 1;
let divisorTail: f64 = 0;

export function begin(inType: i32, toType: i32, count: i32, out: usize, left: usize, divisor: f64, tail: f64): void {
  type = inType;
  outType = toType;
  many = count;
  outAddress = out;
  undecided = left;
  open = 0;
  givenDivisor = divisor;
  divisorTail = tail;
}

/** Elements from `first` to before `end`, the slow way. */
export function meanOneByOne(first: usize, end: usize): i32 {
  for (let i = first; i < end; i++) {
    if (decide(type, inputs, weights, many, givenDivisor, divisorTail, i, outType, outAddress)) continue;
    store<u32>(undecided + (<usize>open << 2), <u32>i);
    open++;
  }
  return open;
}

/** The bits of the elements that stay open in the group at which a loop stopped. */
export let mask: i32 = 0;

export function stopAt(i: usize, bad: i32): usize {
  mask = bad;
  return i;
}

/** The elements from `first` whose bits are set, the slow way. */
export function redo(first: usize, mask: i32): void {
  while (mask != 0) {
    const i = first + <usize>ctz(mask);
    meanOneByOne(i, i + 1);
    mask &= mask - 1;
  }
}

/** Writes eight means. The bits of those that are not finite. */
export function write8(i: usize, a: v128, b: v128, c: v128, d: v128): i32 {
  const address = outAddress + i * sizeOf(outType);
  if (outType == F64) {
    storeDoubles(address, a, b);
    storeDoubles(address + 32, c, d);
    return 0;
  }
  const first = roundDoubles(outType, a, b);
  const second = roundDoubles(outType, c, d);
  store4(outType, address, first);
  store4(outType, address + 4 * sizeOf(outType), second);
  return i32x4.bitmask(notFinite(outType, first)) | i32x4.bitmask(notFinite(outType, second)) << 4;
}
