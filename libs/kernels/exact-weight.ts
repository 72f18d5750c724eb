/** Bits of the significand of a type that has to have exact products with weights. */
const SIGNIFICAND = { F64: 53, F32: 24, F16: 11, BF16: 8 } as const;

/** True where the product of the weight and any element of the type is a double: nothing is lost. */
export function exactWeight(weight: number, type: keyof typeof SIGNIFICAND): boolean {
  return significantBits(weight) + SIGNIFICAND[type] <= 53 + (Math.abs(weight) === 2 ** exponentOf(weight) ? 1 : 0);
}

/** A weight as a sum of at most two whose products with the elements of a type of at most 24 bits are exact. */
export function splitWeight(weight: number): readonly number[] {
  const scaled = (2 ** 27 + 1) * weight;
  const upper = scaled - (scaled - weight);
  return upper === weight ? [weight] : [upper, weight - upper];
}

/** Bits from the first to the last that is set in a finite double; 0 for 0. */
export function significantBits(value: number): number {
  if (value === 0) return 0;
  let odd = Math.abs(value) / 2 ** exponentOf(value);
  let bits = 1;
  for (; odd !== Math.floor(odd); odd *= 2) bits++;
  return bits;
}

/** The exponent of a finite double: 2^e is its highest bit. 0 for 0. */
export function exponentOf(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const field = (view.getUint16(0) >>> 4) & 0x7ff;
  if (field > 0) return field - 1023;
  view.setFloat64(0, value * 2 ** 64);
  const wide = (view.getUint16(0) >>> 4) & 0x7ff;
  return wide === 0 ? 0 : wide - 1023 - 64;
}
