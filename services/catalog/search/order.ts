import { didYouMean, quote } from "#libs/text";
import { invalidField } from "../errors.ts";

/** How a list of artifacts is sorted; equal ones by their publication, in the same direction. */
export type Order = {
  readonly by: "created" | "size" | "metric";
  /** Of "metric": which. */
  readonly metric?: string;
  readonly direction: "asc" | "desc";
};

/** Where a page ended. */
export type Position = { readonly key: number; readonly sequence: number };

/**
 * Parses an order (AIP-132): a field, and maybe "asc" or "desc". Nothing is "created desc".
 * @throws CatalogError INVALID_FIELD
 * @example
 * ```ts
 * parseOrder(""); // { by: "created", direction: "desc" }
 * parseOrder("metric.accuracy desc"); // { by: "metric", metric: "accuracy", direction: "desc" }
 * ```
 */
export function parseOrder(text: string): Order {
  const [field = "created", direction = text.trim() === "" ? "desc" : "asc", ...more] =
    text.trim() === "" ? [] : text.trim().split(/\s+(?=\S+$)/);
  if (more.length > 0 || (direction !== "asc" && direction !== "desc"))
    throw invalidField("order_by", `expected "asc" or "desc" behind ${quote(field)}`);
  if (field === "created" || field === "size") return { by: field, direction };
  if (field.startsWith("metric.") && field.length > "metric.".length)
    return { by: "metric", metric: field.slice("metric.".length), direction };
  const known = ["created", "size", "metric.NAME"];
  throw invalidField("order_by", `cannot sort by ${quote(field)}; ${didYouMean(field, known, `expected one of ${known.join(", ")}`)}`);
}

/** A position as the text of a page token. */
export function positionText({ key, sequence }: Position): string {
  return `${key}/${sequence}`;
}

/** Undefined where a text is none of `positionText`. */
export function parsePosition(text: string): Position | undefined {
  const [key, sequence, ...more] = text.split("/").map(Number);
  const right = more.length === 0 && Number.isFinite(key) && Number.isSafeInteger(sequence);
  return right ? { key: key!, sequence: sequence! } : undefined;
}
