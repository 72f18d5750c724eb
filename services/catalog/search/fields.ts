import { spdxLicence } from "#libs/recipes";
import { didYouMean, quote } from "#libs/text";
import { artifactKinds } from "../kinds.ts";

export type Comparator = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":";

/** What is wrong with a comparison: that this field cannot be compared so, or not with this. */
type Wrong = { readonly of: "comparator" | "value"; readonly problem: string };

/** A field that artifacts are searched by. */
export type Field = {
  /** As it stands in filters, such as "licence" or "metric.accuracy". */
  readonly name: string;
  readonly type: "name" | "kind" | "text" | "number" | "time" | "flag" | "artifact" | "metric";
  /** Undefined where a comparison has a meaning. */
  check(comparator: Comparator, value: string): Wrong | undefined;
};

const types: { readonly [name: string]: Field["type"] } = {
  name: "name",
  kind: "kind",
  architecture: "text",
  task: "text",
  domain: "text",
  licence: "text",
  recipe: "text",
  method: "text",
  parent: "artifact",
  size: "number",
  published: "time",
  damaged: "flag",
  stale: "flag",
};

/** The fields that a word by itself is looked for in, besides names. */
export const WORD_FIELDS = ["architecture", "task", "domain", "licence"] as const;

/** The field of a name, or what is wrong with the name. */
export function fieldNamed(name: string): Field | string {
  const type = name.startsWith("metric.")
    ? "metric"
    : name.startsWith("annotation.")
      ? "text"
      : Object.hasOwn(types, name)
        ? types[name]
        : undefined;
  if (type === undefined || name.endsWith(".")) {
    const known = [...Object.keys(types), "metric.NAME", "annotation.NAME"];
    return `there is no field ${quote(name)}; ${didYouMean(name, known, `the fields are ${known.join(", ")}`)}`;
  }
  return { name, type, check: (comparator, value) => checks[type](comparator, value) };
}

const ordered: readonly Comparator[] = ["=", "!=", "<", "<=", ">", ">="];
const kinds = Object.keys(artifactKinds).filter((kind) => kind !== "unknown");

const checks: { readonly [T in Field["type"]]: Field["check"] } = {
  name: (comparator) => among(comparator, ["=", "!=", ":"]),
  text: (comparator) => among(comparator, ["=", "!=", ":"]),
  kind: (comparator, value) => among(comparator, ["=", "!="]) ?? valueAmong(value, kinds),
  flag: (comparator, value) => among(comparator, ["=", "!="]) ?? valueAmong(value, ["true", "false"]),
  artifact: (comparator) => among(comparator, ["=", "!="]),
  number: (comparator, value) => among(comparator, ordered) ?? valueThat(value, numberOf(value) !== undefined, "a number"),
  metric: (comparator, value) => among(comparator, ordered) ?? valueThat(value, numberOf(value) !== undefined, "a number"),
  time: (comparator, value) =>
    among(comparator, ordered) ??
    valueThat(value, timeOf(value) !== undefined, "a time of RFC 3339 or a date, such as 2026-01-31T12:00:00Z or 2026-01-31"),
};

function among(comparator: Comparator, allowed: readonly Comparator[]): Wrong | undefined {
  return allowed.includes(comparator)
    ? undefined
    : { of: "comparator", problem: `expected one of ${allowed.join(" ")}, got ${comparator}` };
}

function valueAmong(value: string, allowed: readonly string[]): Wrong | undefined {
  return valueThat(value, allowed.includes(value), `one of ${allowed.join(", ")}`);
}

function valueThat(value: string, right: boolean, what: string): Wrong | undefined {
  return right ? undefined : { of: "value", problem: `expected ${what}, got ${quote(value)}` };
}

/** A number as JSON has it. */
export function numberOf(text: string): number | undefined {
  return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined;
}

/** Milliseconds since 1970. */
export function timeOf(text: string): number | undefined {
  const isTime = /^\d{4}-\d\d-\d\d([Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d))?$/.test(text);
  const time = isTime ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}

/** A text as it is kept: licences as SPDX spells them. */
export function storedText(field: string, value: string): string {
  return field === "licence" && !value.endsWith("*") ? spdxLicence(value) : value;
}
