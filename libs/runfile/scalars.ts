import { isMap, isScalar, isSeq } from "yaml";
import { excerpt } from "#libs/text";
import { advice, type Field, type Read, report, resolve, written, wrong } from "./field.ts";

/** Bounds of a number: `min` and `max` belong to it, `above` and `below` do not. */
export type Limits = {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
  readonly whole?: boolean;
};

/** A finite number within limits. */
export function number(limits: Limits = {}): Read<number> {
  const expected = describe(limits);
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity, whole = false } = limits;
  return (field) => {
    const value = scalar(field, expected);
    if (value === undefined) return undefined;
    const good = typeof value === "number" && Number.isFinite(value) && (!whole || Number.isSafeInteger(value));
    const inside = good && value >= min && value <= max && value > above && value < below;
    return inside ? value : wrong(field, `must be ${expected}, not ${written(field)}`);
  };
}

/** One line of text. */
export function text(maxLength = 200): Read<string> {
  const obeys = (value: string) => value.trim() !== "" && excerpt(value, maxLength) === value;
  return matching(obeys, `one line of 1 to ${maxLength} characters`);
}

/** Text that obeys a rule; `expected` says it. */
export function matching(obeys: (value: string) => boolean, expected: string): Read<string> {
  return (field) => {
    const value = scalar(field, "text");
    if (value === undefined) return undefined;
    if (typeof value !== "string") return wrong(field, `must be text, not ${written(field)} (quotes make it text)`);
    return obeys(value) ? value : wrong(field, `must be ${expected}, not ${written(field)}`);
  };
}

/** One of some words; `noun` names them in messages, for example "method". */
export function word<W extends string>(noun: string, words: readonly W[]): Read<W> {
  return (field) => {
    const value = scalar(field, `one of ${words.join(", ")}`);
    if (value === undefined) return undefined;
    const found = words.find((candidate) => candidate === value);
    return found ?? report(field, (at) => `unknown ${noun} ${written(field)} ${at}: ${advice(String(value), words)}`);
  };
}

function scalar(field: Field, expected: string): unknown {
  const node = resolve(field);
  if (isScalar(node) && node.value !== null) return node.value;
  return wrong(field, `must be ${expected}, not ${isMap(node) ? "a mapping" : isSeq(node) ? "a list" : "empty"}`);
}

/** "a whole number from 1 to 10", "a number above 0 and below 1", "a number of 0 or more". */
function describe({ min, max, above, below, whole }: Limits): string {
  const noun = whole ? "a whole number" : "a number";
  if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
  const lower = min !== undefined ? [`of ${min} or more`] : above !== undefined ? [`above ${above}`] : [];
  const upper = max !== undefined ? [`at most ${max}`] : below !== undefined ? [`below ${below}`] : [];
  return [noun, [...lower, ...upper].join(" and ")].join(" ").trim();
}
