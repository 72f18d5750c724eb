import { high, load4, loadOne, low } from "./load";
import { inputs } from "./mean";
import { bytesOf, F16, F32, F64, sizeOf } from "./types";

/** Adds weight · input to planes, whose addresses stand in the table of inputs, without error. How many elements left something. */
export function fold(type: i32, input: usize, weight: f64, planes: i32, spill: usize, count: usize): i32 {
  if (type == F32) return foldPairs<f32>(type, input, weight, planes, spill, count);
  if (type == F64) return foldPairs<f64>(type, input, weight, planes, spill, count);
  if (type == F16) return foldPairs<u16>(type, input, weight, planes, spill, count);
  return foldPairs<i16>(type, input, weight, planes, spill, count);
}

function foldPairs<T>(type: i32, input: usize, weight: f64, planes: i32, spill: usize, count: usize): i32 {
  const end = count & ~3;
  const factor = f64x2.splat(weight);
  let left = 0;
  for (let i: usize = 0; i < end; i += 4) {
    let a: v128;
    let b: v128;
    if (sizeof<T>() == 8) {
      a = v128.load(input + (i << 3));
      b = v128.load(input + (i << 3), 16);
    } else {
      const four = load4<T>(input + i * bytesOf<T>());
      a = low(four);
      b = high(four);
    }
    a = f64x2.mul(a, factor);
    b = f64x2.mul(b, factor);
    const offset = i << 3;
    for (let p = 0; p < planes; p++) {
      const address = load<usize>(inputs + (<usize>p << 2)) + offset;
      const planeA = v128.load(address);
      const planeB = v128.load(address, 16);
      const sumA = f64x2.add(planeA, a);
      const sumB = f64x2.add(planeB, b);
      a = lossOf(planeA, a, sumA);
      b = lossOf(planeB, b, sumB);
      v128.store(address, sumA);
      v128.store(address, sumB, 16);
    }
    v128.store(spill + offset, a);
    v128.store(spill + offset, b, 16);
    const some = v128.or(f64x2.ne(a, f64x2.splat(0)), f64x2.ne(b, f64x2.splat(0)));
    if (v128.any_true(some)) {
      left += popcnt(i64x2.bitmask(f64x2.ne(a, f64x2.splat(0)))) + popcnt(i64x2.bitmask(f64x2.ne(b, f64x2.splat(0))));
    }
  }
  for (let i = end; i < count; i++) {
    const offset = i << 3;
    let rest = loadOne(type, input + i * sizeOf(type)) * weight;
    for (let p = 0; p < planes; p++) {
      const address = load<usize>(inputs + (<usize>p << 2)) + offset;
      const plane = load<f64>(address);
      const sum = plane + rest;
      const part = sum - plane;
      rest = plane - (sum - part) + (rest - part);
      if (rest == 0) rest = -0.0;
      store<f64>(address, sum);
    }
    store<f64>(spill + offset, rest);
    left += i32(rest != 0);
  }
  return left;
}

/** What an addition lost, with -0 for nothing: the zero that changes no sum. */
@inline function lossOf(a: v128, b: v128, sum: v128): v128 {
  const part = f64x2.sub(sum, a);
  const loss = f64x2.add(f64x2.sub(a, f64x2.sub(sum, part)), f64x2.sub(b, part));
  const zero = f64x2.splat(0);
  return v128.or(loss, v128.and(f64x2.eq(loss, zero), f64x2.splat(-0.0)));
}
