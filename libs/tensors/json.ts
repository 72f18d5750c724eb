import { excerpt } from "#libs/text";
import { SafetensorsError } from "./errors.ts";

/** A parsed JSON value. Objects are Maps, so no key is special (`__proto__`). A number that is not a safe integer is `Inexact`. */
export type JsonValue = null | boolean | number | string | Inexact | JsonValue[] | Map<string, JsonValue>;

/** A number literal with a fraction, an exponent or too many digits: no header has a use for one, errors quote it. */
export class Inexact {
  readonly literal: string;

  constructor(literal: string) {
    this.literal = literal;
  }

  toString(): string {
    return this.literal;
  }
}

// A header needs 3 levels. Unknown keys of an entry may nest further, but not so far that parsing them exhausts the stack.
const MAX_DEPTH = 16;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
// What JSON wants escaped inside a string: quotes, backslashes and control characters end the plain run.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what JSON forbids here.
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/**
 * Parses JSON and refuses duplicate keys, which `JSON.parse` silently resolves to the last one: two readers of the same
 * file could then see different tensors. Throws SafetensorsError (header-not-json, duplicate-name, header-too-deep).
 */
export function parseStrictJson(text: string): JsonValue {
  let at = 0;
  const value = parseValue(0);
  skipSpace();
  if (at < text.length) fail(`unexpected ${quote()} after the end`);
  return value;

  function parseValue(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw new SafetensorsError("header-too-deep", `the header nests deeper than ${MAX_DEPTH} levels`);
    skipSpace();
    const character = text[at];
    if (character === "{") return parseObject(depth);
    if (character === "[") return parseArray(depth);
    if (character === '"') return parseString();
    for (const [word, value] of [["true", true] as const, ["false", false] as const, ["null", null] as const]) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return value;
      }
    }
    return parseNumber();
  }

  function parseObject(depth: number): Map<string, JsonValue> {
    const object = new Map<string, JsonValue>();
    at++;
    skipSpace();
    if (text[at] === "}") {
      at++;
      return object;
    }
    for (;;) {
      skipSpace();
      if (text[at] !== '"') fail(`expected a key, found ${quote()}`);
      const key = parseString();
      if (object.has(key)) throw new SafetensorsError("duplicate-name", `the key ${JSON.stringify(excerpt(key))} occurs twice`);
      skipSpace();
      expect(":");
      object.set(key, parseValue(depth + 1));
      skipSpace();
      if (text[at] !== ",") break;
      at++;
    }
    expect("}");
    return object;
  }

  function parseArray(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    at++;
    skipSpace();
    if (text[at] === "]") {
      at++;
      return array;
    }
    for (;;) {
      array.push(parseValue(depth + 1));
      skipSpace();
      if (text[at] !== ",") break;
      at++;
    }
    expect("]");
    return array;
  }

  function parseString(): string {
    let out = "";
    at++;
    for (;;) {
      out += match(PLAIN);
      const character = text[at++];
      if (character === '"') break;
      if (character !== "\\") {
        at--;
        fail(character === undefined ? "a string does not end" : "a control character in a string is not escaped");
      }
      out += parseEscape();
    }
    // A lone surrogate has no UTF-8 form, so two such names could be one name in another reader.
    if (!out.isWellFormed()) fail("a string holds half of a surrogate pair");
    return out;
  }

  function parseEscape(): string {
    const character = text[at++] ?? "";
    if (character === "u") {
      const digits = text.slice(at, at + 4);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail(`\\u${digits} is not an escape`);
      at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const escaped = ESCAPES[character];
    if (escaped === undefined) fail(`\\${character} is not an escape`);
    return escaped;
  }

  function parseNumber(): number | Inexact {
    const literal = match(NUMBER);
    if (literal === "") fail(text[at] === undefined ? "the text ends too early" : `unexpected ${quote()}`);
    const value = Number(literal);
    return /^-?[0-9]+$/.test(literal) && literal !== "-0" && Number.isSafeInteger(value) ? value : new Inexact(literal);
  }

  function match(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  }

  function skipSpace(): void {
    // The common case, no space at all, without a regular expression.
    if ((text.charCodeAt(at) || 0xff) <= 0x20) match(SPACE);
  }

  function expect(character: string): void {
    if (text[at] !== character) fail(`expected ${JSON.stringify(character)}, found ${quote()}`);
    at++;
  }

  function quote(): string {
    return at < text.length ? JSON.stringify(text[at]) : "the end";
  }

  function fail(message: string): never {
    throw new SafetensorsError("header-not-json", `${message} (character ${at} of the header)`);
  }
}
