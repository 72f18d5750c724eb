import { isMap, isSeq, type Node } from "yaml";
import type { Parameter } from "../method.ts";
import type { Condition, Scalar, ScalarOrGradient, Setting, Settings } from "./config.ts";
import { entries, type Field, fields, items, positionOf, type Reading, resolve, scalar, text } from "./nodes.ts";

/** Reads one `parameters`: names to values, gradients and lists of conditions. */
export function readSettings(reading: Reading, place: Field | undefined): Settings {
  const settings = new Map<string, Setting>();
  if (place === undefined) return settings;
  for (const { key, node, name } of entries(reading, place) ?? []) {
    const conditions = readConditions(reading, { node, name });
    if (conditions !== undefined) settings.set(name, { ...positionOf(reading, key), conditions });
  }
  return settings;
}

function readConditions(reading: Reading, place: Field): Condition[] | undefined {
  const node = resolve(reading, place.node);
  if (isMap(node)) return all([readCondition(reading, place)]);
  const isConditional = isSeq(node) && node.items.some((item) => isMap(resolve(reading, item as Node)));
  if (isConditional) return all((items(reading, place) ?? []).map((item) => readCondition(reading, item)));
  const value = readValue(reading, place);
  return value === undefined ? undefined : [{ value }];
}

function readCondition(reading: Reading, place: Field): Condition | undefined {
  const found = fields(reading, place, ["filter", "value"]);
  if (found === undefined) return undefined;
  const value = found.get("value");
  if (value === undefined) {
    reading.problems.push({
      ...positionOf(reading, place.node),
      message: `\`${place.name}\` ${at(reading, place)} has a condition without \`value\``,
    });
    return undefined;
  }
  const filter = found.get("filter");
  const pattern = filter && text(reading, filter);
  const result = readValue(reading, { ...value, name: place.name });
  if (result === undefined || (filter !== undefined && pattern === undefined)) return undefined;
  return { value: result, ...(pattern === undefined ? {} : { filter: pattern }) };
}

function at(reading: Reading, { node }: Field): string {
  return `at line ${positionOf(reading, node).line}`;
}

function readValue(reading: Reading, place: Field): ScalarOrGradient | undefined {
  if (!isSeq(resolve(reading, place.node)))
    return scalar(reading, place, "a value, a list of values over the layers, or a list of conditions");
  return all((items(reading, place) ?? []).map((item) => scalar(reading, item)));
}

function all<T>(values: readonly (T | undefined)[]): T[] | undefined {
  return values.includes(undefined) ? undefined : (values as T[]);
}

/** Whether any value is spread over the layers. */
export function hasGradient({ conditions }: Setting): boolean {
  return conditions.some(({ value }) => Array.isArray(value) && value.length > 1);
}

/** What is wrong with a value for a parameter of this type, as the end of a sentence; undefined if nothing is. Bounds are checked later. */
export function typeProblem(type: Parameter["type"], { conditions }: Setting): string | undefined {
  for (const { value } of conditions)
    for (const one of Array.isArray(value) ? (value as readonly Scalar[]) : [value as Scalar])
      if (typed(type, one) === undefined)
        return `must be ${type === "boolean" ? "true or false" : type === "integer" ? "a whole number" : "a number"}, not \`${one}\``;
  return undefined;
}

/** A value as a parameter of this type has it. Numbers may be written as text, as PyYAML takes 1e-7. */
function typed(type: Parameter["type"], value: Scalar): number | boolean | undefined {
  if (type === "boolean") return typeof value === "boolean" ? value : value === 0 || value === 1 ? value === 1 : undefined;
  if (typeof value === "boolean" || value === "") return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/**
 * The value of a parameter for one tensor: that of the first condition whose filter is part of the tensor's name. Numbers of a gradient are
 * interpolated linearly; of other lists, the one at or before the place is taken.
 * @param t place in the layers, from 0 (the first, and all that is in no layer) to 1 (the last).
 * @returns undefined where no condition fits: the next place in the order of precedence decides.
 */
export function evaluate({ conditions }: Setting, type: Parameter["type"], tensor: string, t: number): number | boolean | undefined {
  const fitting = conditions.find(({ filter }) => filter === undefined || filter === "*" || tensor.includes(filter));
  if (fitting === undefined) return undefined;
  if (!Array.isArray(fitting.value)) return typed(type, fitting.value as Scalar);
  const values = (fitting.value as readonly Scalar[]).map((value) => typed(type, value)!);
  if (values.length === 0) return undefined;
  const scaled = t * (values.length - 1);
  const before = Math.trunc(scaled);
  if (type === "boolean") return values[before];
  const after = Math.min(values.length - 1, before + 1);
  const fraction = scaled - before;
  return (1 - fraction) * (values[before] as number) + fraction * (values[after] as number);
}

/** The value of a parameter from settings by falling precedence, or undefined where none says it. */
export function resolveParameter(
  { name, type }: Pick<Parameter, "name" | "type">,
  settings: readonly Settings[],
  tensor: string,
  t: number,
): number | boolean | undefined {
  for (const scope of settings) {
    const setting = scope.get(name);
    const value = setting && evaluate(setting, type, tensor, t);
    if (value !== undefined) return value;
  }
  return undefined;
}
