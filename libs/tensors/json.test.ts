import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SafetensorsError } from "./errors.ts";
import { Inexact, type JsonValue, parseStrictJson } from "./json.ts";

test("what JSON.parse reads without duplicate keys is read alike", () => {
  const spaced = fc
    .tuple(fc.jsonValue({ maxDepth: 4, depthSize: "small" }), fc.nat({ max: 3 }))
    .map(([value, indent]) => JSON.stringify(value, null, indent));
  fc.assert(
    fc.property(spaced, (text) => {
      if (!text.isWellFormed() || /\\u[dD][89a-fA-F]/.test(text)) return;
      assert.deepEqual(plain(parseStrictJson(text)), JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test("only whole numbers, written as such and small enough to be exact, are numbers", () => {
  assert.deepEqual(parseStrictJson("[0, -7, 9007199254740991]"), [0, -7, 9007199254740991]);
  for (const literal of ["-0", "1.0", "1e0", "9007199254740992", "1e999"]) assert.deepEqual(parseStrictJson(literal), new Inexact(literal));
});

test("any text that JSON.parse refuses is refused, with an error of the file", () => {
  const fragments = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    '"a"',
    "0",
    "01",
    "-",
    "1.",
    "1e",
    "tru",
    "true",
    "null",
    " ",
    "\t",
    "\\",
    "\\u00",
    "\u0001",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 8 }), (parts) => {
      const text = parts.join("");
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        assert.throws(() => parseStrictJson(text), SafetensorsError);
        return;
      }
      try {
        assert.deepEqual(plain(parseStrictJson(text)), expected);
      } catch (error) {
        if (!(error instanceof SafetensorsError && error.rule === "duplicate-name")) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});

/** As JSON.parse gives it. */
function plain(value: JsonValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]));
  if (Array.isArray(value)) return value.map(plain);
  return value instanceof Inexact ? Number(value.literal) : value;
}
