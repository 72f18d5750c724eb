import { createHash } from "node:crypto";

/**
 * A text that people chose as part of a ref's word or of a file's name: as it is where that is allowed, else what is allowed of it and
 * eight digits of its sha-256, so that different texts stay different.
 * @example
 * ```ts
 * nameWord("25"); // "25"
 * nameWord("../art & crafts"); // "art-crafts-9415746f"
 * ```
 */
export function nameWord(text: string): string {
  if (/^[\w-][\w.-]{0,59}$/.test(text)) return text;
  const allowed = text
    .replace(/[^\w]+/g, "-")
    .slice(0, 40)
    .replace(/^-+|-+$/g, "");
  return `${allowed === "" ? "" : `${allowed}-`}${createHash("sha256").update(text.toWellFormed()).digest("hex").slice(0, 8)}`;
}

/** What a run may be called, for messages. */
export const runNameRule = "1 to 60 letters, digits, '.', '_' and '-', the first a letter or a digit";

/**
 * Whether a run may be called so. A run's name is the first word of the refs of its models and the name of a folder, so it has the form
 * of a word in a ref.
 * @example
 * ```ts
 * isRunName("digits-2"); // true
 * isRunName("../digits"); // false
 * ```
 */
export function isRunName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,59}$/.test(name);
}
