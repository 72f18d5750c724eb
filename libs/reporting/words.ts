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

/** "a", "a and b", "a, b and c". */
export function list(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** With a capital letter and a full stop. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** A count and its noun: "1 seed", "2 seeds". */
export function counted(count: number, noun: string): string {
  return `${inWords(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** An accuracy, or a difference of two, in percent or points with one decimal (halves away from zero). Never "-0.0". */
export function points(value: number): string {
  const text = (Math.round(Math.abs(value) * 1000) / 10).toFixed(1);
  return value < 0 && text !== "0.0" ? `−${text}` : text;
}

/** The same with a sign: "+1.9", "−0.4", "0.0". */
export function signedPoints(value: number): string {
  const text = points(value);
  return text === "0.0" || text.startsWith("−") ? text : `+${text}`;
}

/** "4.6 ± 0.7", or "4.6" without an error. */
export function withError(value: number, sem: number | null, form: (value: number) => string = points): string {
  return sem === null ? form(value) : `${form(value)} ± ${points(sem)}`;
}
