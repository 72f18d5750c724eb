/** A record of a domain, as it lies there. */
export type Row = {
  readonly name: string;
  readonly class: string;
  readonly item?: string | undefined;
  readonly bytes: number;
  /** Its bytes; those of a line are overwritten by the next ones. @throws what the operating system says */
  content(): Uint8Array;
};

/** A row, or what is wrong with what stands where one should be: `where` begins the sentence. */
export type ReadRow = Row | { readonly where: string; readonly wrong: string; readonly kind: "line" | "labels" | "name" | "empty-file" };

/** Longest text of a label or an item, as in recipes. */
const LONGEST = 1000;

/**
 * The class and the item that a record says it has, or what is wrong with them.
 * @example
 * ```ts
 * labelOf({ label: "noun", words: ["a"] }); // { class: "noun" }
 * labelOf({ label: 3, item: "ca01" }); // { class: "3", item: "ca01" }
 * labelOf({ words: ["a"] }); // "has no field \"label\""
 * ```
 */
export function labelOf(fields: { readonly [name: string]: unknown }): { readonly class: string; readonly item?: string } | string {
  const { label, item } = fields;
  if (label === undefined) return 'has no field "label"';
  const name = textual(label);
  if (name === undefined) return `has the label ${JSON.stringify(label).slice(0, 60)}: expected a text of 1 to ${LONGEST} characters`;
  if (item === undefined || item === "") return { class: name };
  const shown = textual(item);
  if (shown === undefined) return `has the item ${JSON.stringify(item).slice(0, 60)}: expected a text of at most ${LONGEST} characters`;
  return { class: name, item: shown };
}

/** A text that can be shown; numbers are what they look like. */
function textual(value: unknown): string | undefined {
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string" || text.length === 0 || text.length > LONGEST) return undefined;
  return text.isWellFormed() && !/\p{Cc}/u.test(text) ? text : undefined;
}
