export { ago, bytes, columns, duration } from "#libs/text";

/** A digest as people read it: 12 digits are enough to be unambiguous. */
export function short(digest: string): string {
  return digest.replace("sha256:", "").slice(0, 12);
}

/** A text of others as part of one line: no line breaks, and nothing that moves the cursor. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}
