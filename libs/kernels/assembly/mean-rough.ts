import { high, load4, low } from "./load";
import { input, many, mask, meanOneByOne, multiple, outAddress, outType, redo, stopAt, type } from "./mean";
import { demote, notFinite, roundDoubles, store4, storeDoubles } from "./round";
import { bytesOf, F16, F32, F64, sizeOf } from "./types";

/**
 * Types of at most 32 bits with weights whose products are not exact, by the second way: the error is at most `loss` times the largest element,
 * division and all.
 */
export function meanRoughly(count: usize, divisor: f64, loss: f64): i32 {
  const end = count & ~7;
  let i: usize = 0;
  while (i < end) {
    if (type == F32 && outType == F32) i = roughGroups<f32, f32>(i, end, divisor, loss);
    else if (type == F32) i = roughGroups<f32, f64>(i, end, divisor, loss);
    else if (type == F16) i = roughGroups<u16, f64>(i, end, divisor, loss);
    else i = roughGroups<i16, f64>(i, end, divisor, loss);
    if (i < end) redo(i, mask);
    i += 8;
  }
  return meanOneByOne(end, count);
}

/** As spreadsF32. `O` is f32 where that is the type of the output. */
function roughGroups<T, O>(first: usize, end: usize, divisor: f64, loss: f64): usize {
  for (let i = first; i < end; i += 8) {
    const bad = roughGroup<T, O>(i, divisor, loss);
    if (bad == 0) continue;
    return stopAt(i, bad);
  }
  return end;
}

@inline function roughGroup<T, O>(i: usize, divisor: f64, loss: f64): i32 {
  const positive = i32x4.splat(0x7fffffff);
  const offset = i * bytesOf<T>();
  let address = input(0) + offset;
  let weight = multiple(0);
  let x = load4<T>(address);
  let y = load4<T>(address + 4 * bytesOf<T>());
  let a = f64x2.mul(low(x), weight);
  let b = f64x2.mul(high(x), weight);
  let c = f64x2.mul(low(y), weight);
  let d = f64x2.mul(high(y), weight);
  let mostX = v128.and(x, positive);
  let mostY = v128.and(y, positive);
  for (let k = 1, n = many; k < n; k++) {
    address = input(k) + offset;
    weight = multiple(k);
    x = load4<T>(address);
    y = load4<T>(address + 4 * bytesOf<T>());
    a = f64x2.add(a, f64x2.mul(low(x), weight));
    b = f64x2.add(b, f64x2.mul(high(x), weight));
    c = f64x2.add(c, f64x2.mul(low(y), weight));
    d = f64x2.add(d, f64x2.mul(high(y), weight));
    mostX = i32x4.max_u(mostX, v128.and(x, positive));
    mostY = i32x4.max_u(mostY, v128.and(y, positive));
  }
  const by = f64x2.splat(divisor);
  const first = roughFour<O>(i, f64x2.div(a, by), f64x2.div(b, by), mostX, loss);
  return first | roughFour<O>(i + 4, f64x2.div(c, by), f64x2.div(d, by), mostY, loss) << 4;
}

/** Writes four means if both ends of their intervals round to the same. The bits of those for which they do not. */
@inline function roughFour<O>(i: usize, a: v128, b: v128, most: v128, loss: f64): i32 {
  const factor = f64x2.splat(loss);
  const errorA = f64x2.mul(low(most), factor);
  const errorB = f64x2.mul(high(most), factor);
  let below: v128;
  let above: v128;
  if (sizeof<O>() == 4) {
    below = demote(f64x2.sub(a, errorA), f64x2.sub(b, errorB));
    above = demote(f64x2.add(a, errorA), f64x2.add(b, errorB));
    v128.store(outAddress + (i << 2), below);
  } else if (outType == F64) {
    storeDoubles(outAddress + (i << 3), a, b);
    return i32x4.bitmask(i32x4.ne(most, i32x4.splat(0)));
  } else {
    below = roundDoubles(outType, f64x2.sub(a, errorA), f64x2.sub(b, errorB));
    above = roundDoubles(outType, f64x2.add(a, errorA), f64x2.add(b, errorB));
    store4(outType, outAddress + i * sizeOf(outType), below);
  }
  // Nothing but zeros: 0 - 0 has the sign of the first, the other end does not matter.
  const open = v128.andnot(i32x4.ne(below, above), i32x4.eq(most, i32x4.splat(0)));
  const infinite = sizeof<O>() == 4 ? notFinite(F32, below) : notFinite(outType, below);
  return i32x4.bitmask(v128.or(v128.or(open, infinite), i32x4.ge_s(most, i32x4.splat(0x7f800000))));
}
