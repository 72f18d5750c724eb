import { plural } from "#libs/text";

export { list } from "#libs/text";

const numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
const parts = ["", "the whole", "half", "a third", "a quarter", "a fifth", "a sixth", "a seventh", "an eighth", "a ninth", "a tenth"];

/** A count in words up to twelve, in digits above. Zero is "no". */
export function inWords(count: number): string {
  return numbers[count] ?? String(count);
}

/** One part in so many: "a tenth" of 10, "1/12" of 12. */
export function part(of: number): string {
  return parts[of] ?? `1/${of}`;
}

/** With a capital letter and a full stop. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** A count and its noun: "one seed", "two seeds", "ten classes". */
export function counted(count: number, noun: string, many?: string): string {
  return `${inWords(count)} ${plural(count, noun, many)}`;
}

/** An accuracy, or a difference of two, in percent or points with so many decimals (halves away from zero). Never "-0.0". */
export function points(value: number, decimals: 1 | 2 = 1): string {
  const unit = decimals === 1 ? 10 : 100;
  const text = (Math.round(Math.abs(value) * 100 * unit) / unit).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** The same with a sign: "+1.9", "−0.4", "0.0". */
export function signedPoints(value: number, decimals: 1 | 2 = 1): string {
  const text = points(value, decimals);
  return Number(text) === 0 || text.startsWith("−") ? text : `+${text}`;
}

/** "4.6 ± 0.7", or "4.6" without an error. An error that would read 0.0 gives both a second decimal: "0.24 ± 0.04". */
export function withError(
  value: number,
  sem: number | null,
  { signed = false, decimals = sem !== null && sem > 0 && points(sem) === "0.0" ? 2 : 1 }: { signed?: boolean; decimals?: 1 | 2 } = {},
): string {
  const text = (signed ? signedPoints : points)(value, decimals);
  return sem === null ? text : `${text} ± ${points(sem, decimals)}`;
}
