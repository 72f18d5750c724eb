/** How much of a text from outside is shown unless told otherwise, in UTF-16 units. */
export const EXCERPT_LENGTH = 200;

/** Control characters but tab and line feed, line separators, and what turns the direction of the text around it. */
const unprintable = /(?![\t\n])[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

/**
 * A text, perhaps of several lines, that can be sent and shown: well-formed Unicode without control characters other than tab and line
 * feed. Each lone surrogate and each such character becomes U+FFFD; CR LF becomes LF.
 * @example
 * ```ts
 * printable("a\r\nb\u0007"); // "a\nb\uFFFD"
 * ```
 */
export function printable(text: string): string {
  return text.toWellFormed().replaceAll("\r\n", "\n").replace(unprintable, "\uFFFD");
}

/**
 * A text from outside as it may enter a status, a log, a header or a line on a screen: printable, on one line, and short. White space
 * becomes one space; what is longer than `most` UTF-16 units is cut between two characters, and has at most so many with the "…" at its end.
 * @example
 * ```ts
 * excerpt("a\nb\u0000"); // "a b\uFFFD"
 * excerpt("😀😀😀", 3); // "😀…"
 * ```
 */
export function excerpt(text: string, most: number = EXCERPT_LENGTH): string {
  // What is cut off is never looked at: the text may have millions of characters.
  const whole = text.length <= most;
  const shown = printable(whole ? text : beginning(text, most - 1)).replace(/[\t\n]+/g, " ");
  return whole ? shown : `${shown}…`;
}

/**
 * An excerpt in quotation marks, as messages show what was sent.
 * @example
 * ```ts
 * quote('say "x"'); // "\"say \\\"x\\\"\""
 * ```
 */
export function quote(text: string, most: number = EXCERPT_LENGTH): string {
  return JSON.stringify(excerpt(text, most));
}

/** The first `most` UTF-16 units of a text, one less where that would leave half of a character at the end. */
export function beginning(text: string, most: number): string {
  if (most <= 0) return "";
  const last = text.charCodeAt(most - 1);
  return text.slice(0, most < text.length && last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
}
