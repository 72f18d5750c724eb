/** What fl(a + b) lost, exactly. Knuth, The Art of Computer Programming 2, 4.2.2, theorem C. `sum` is a + b. */
export function sumError(a: number, b: number, sum: number): number {
  const part = sum - a;
  return a - (sum - part) + (b - part);
}

const SPLITTER = 2 ** 27 + 1;

/** What fl(a · b) lost, exactly where nothing overflows or underflows. Dekker 1971. `product` is a · b. */
export function productError(a: number, b: number, product: number): number {
  const aHigh = upper(a);
  const aLow = a - aHigh;
  const bHigh = upper(b);
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** The upper 26 bits of a double. Veltkamp's splitting. */
function upper(value: number): number {
  const scaled = SPLITTER * value;
  return scaled - (scaled - value);
}

const value = new Float64Array(1);
const pattern = new BigInt64Array(value.buffer);

/** The next double in magnitude above (+1) or below (-1) one that is finite and not zero. */
export function neighbour(of: number, step: 1 | -1): number {
  value[0] = of;
  pattern[0]! += BigInt(step);
  return value[0]!;
}

/** What lies strictly between a double and its neighbour above (+1) or below (-1), rounded to odd: towards zero, the last bit set. */
export function odd(of: number, side: 1 | -1): number {
  value[0] = of;
  if (of > 0 !== side > 0) pattern[0]! -= 1n;
  pattern[0]! |= 1n;
  return value[0]!;
}
