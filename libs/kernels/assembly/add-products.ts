import { high, low } from "./load";

// Zeros that are listed, as bits.
const NEGATIVE: i32 = 1;
const POSITIVE: i32 = 2;

let open: usize = 0;
let found: i32 = 0;

/**
 * Adds factor · f32 to f64 in place where the sum loses nothing; the product of 24 and 24 bits never does. The indices of the others, which
 * stay as they are, and of products that are zeros of the signs `zeros`, are listed, ascending. Returns how many there are.
 */
export function addProducts(sums: usize, values: usize, factor: f64, zeros: i32, count: usize, list: usize): i32 {
  open = list;
  found = 0;
  const by = f64x2.splat(factor);
  const negative = i64x2.splat(zeros & NEGATIVE ? -1 : 0);
  const positive = i64x2.splat(zeros & POSITIVE ? -1 : 0);
  const end = count & ~3;
  for (let i: usize = 0; i < end; i += 4) {
    const four = v128.load(values + (i << 2));
    const to = sums + (i << 3);
    const a = f64x2.mul(low(four), by);
    const b = f64x2.mul(high(four), by);
    const oldA = v128.load(to);
    const oldB = v128.load(to, 16);
    const sumA = f64x2.add(oldA, a);
    const sumB = f64x2.add(oldB, b);
    const badA = v128.or(isLossy(oldA, a, sumA), isListedZero(a, negative, positive));
    const badB = v128.or(isLossy(oldB, b, sumB), isListedZero(b, negative, positive));
    if (v128.any_true(v128.or(badA, badB))) {
      v128.store(to, v128.bitselect(oldA, sumA, badA));
      v128.store(to, v128.bitselect(oldB, sumB, badB), 16);
      note(i, i32x4.bitmask(v128.shuffle<i32>(badA, badB, 0, 2, 4, 6)));
    } else {
      v128.store(to, sumA);
      v128.store(to, sumB, 16);
    }
  }
  for (let i = end; i < count; i++) {
    const to = sums + (i << 3);
    const term = f64x2.splat(<f64>load<f32>(values + (i << 2)) * factor);
    const old = f64x2.splat(load<f64>(to));
    const sum = f64x2.add(old, term);
    if (v128.any_true(v128.or(isLossy(old, term, sum), isListedZero(term, negative, positive)))) note(i, 1);
    else store<f64>(to, f64x2.extract_lane(sum, 0));
  }
  return found;
}

/** Whether a + b is more than its double. So it is of what is not finite. */
@inline function isLossy(a: v128, b: v128, sum: v128): v128 {
  const part = f64x2.sub(sum, a);
  const lost = f64x2.add(f64x2.sub(a, f64x2.sub(sum, part)), f64x2.sub(b, part));
  return f64x2.ne(lost, f64x2.splat(0));
}

@inline function isListedZero(values: v128, negative: v128, positive: v128): v128 {
  const listed = v128.bitselect(negative, positive, i64x2.shr_s(values, 63));
  return v128.and(f64x2.eq(values, f64x2.splat(0)), listed);
}

function note(first: usize, bits: i32): void {
  while (bits != 0) {
    store<u32>(open + (<usize>found << 2), <u32>(first + <usize>ctz(bits)));
    found++;
    bits &= bits - 1;
  }
}
