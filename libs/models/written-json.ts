import type { Json } from "#libs/recipes";

/**
 * JSON as somebody wrote it: a number is a string that begins with `NUMBER` and goes on with the digits as they were. So `4.0` does not
 * become `4`, and 9007199254740993 stays what it is.
 */
export type WrittenJson = null | boolean | string | readonly WrittenJson[] | WrittenObject;
export type WrittenObject = { readonly [name: string]: WrittenJson };

/** No string of a JSON file is read as beginning with it: what does gets `TEXT` before it. */
const NUMBER = "\0n";
const TEXT = "\0s";
const TOKEN = /"(?:[^"\\]|\\[\s\S])*"|-?(?:Infinity|NaN|[0-9][0-9.eE+-]*)/g;
const LITERAL = /^-?(?:Infinity|NaN|(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)$/;

/**
 * Reads JSON with its numbers as they are written. Python's `NaN`, `Infinity` and `-Infinity` are numbers too; a byte order mark is passed
 * over; of equal keys the last counts, as in Python.
 * @throws SyntaxError
 * @example
 * ```ts
 * const written = parseWritten('{"rope_theta": 10000.0, "id": 9007199254740993}');
 * textOfWritten(written); // '{\n  "rope_theta": 10000.0,\n  "id": 9007199254740993\n}\n'
 * valueOfWritten(parseWritten("[4.0, NaN]")); // [4, Number.NaN]
 * ```
 */
export function parseWritten(text: string): WrittenJson {
  const marked = text.replace(/^\uFEFF/, "").replace(TOKEN, (token) => {
    if (token.startsWith('"')) return /^"\\u0000/i.test(token) ? `"\\u0000s${token.slice(1)}` : token;
    if (!LITERAL.test(token)) throw new SyntaxError(`${JSON.stringify(token)} is no number`);
    return `"\\u0000n${token}"`;
  });
  return JSON.parse(marked) as WrittenJson;
}

/** The values, with numbers as doubles. */
export function valueOfWritten(written: WrittenJson): Json {
  if (typeof written === "string") {
    if (written.startsWith(NUMBER)) return Number(written.slice(NUMBER.length));
    return textOf(written);
  }
  if (typeof written !== "object" || written === null) return written;
  if (Array.isArray(written)) return written.map(valueOfWritten);
  return Object.fromEntries(Object.entries(written).map(([name, value]) => [textOf(name), valueOfWritten(value)]));
}

function textOf(marked: string): string {
  return marked.startsWith(TEXT) ? marked.slice(TEXT.length) : marked;
}

/** A number to be written. */
export function writtenNumber(value: number): WrittenJson {
  return `${NUMBER}${value}`;
}

/**
 * The number that something written is, or undefined for what is none.
 * @example
 * ```ts
 * numberOfWritten(parseWritten("4.0")); // 4
 * numberOfWritten(parseWritten('"4.0"')); // undefined
 * ```
 */
export function numberOfWritten(written: WrittenJson | undefined): number | undefined {
  return typeof written === "string" && written.startsWith(NUMBER) ? Number(written.slice(NUMBER.length)) : undefined;
}

/** The text of a file, with two spaces as Hugging Face's libraries write it. */
export function textOfWritten(written: WrittenJson): string {
  const text = JSON.stringify(written, null, 2).replace(/"(?:[^"\\]|\\.)*"/g, (token) => {
    if (token.startsWith('"\\u0000n')) return token.slice('"\\u0000n'.length, -1);
    return token.startsWith('"\\u0000s') ? `"${token.slice('"\\u0000s'.length)}` : token;
  });
  return `${text}\n`;
}
