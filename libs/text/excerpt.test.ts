import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EXCERPT_LENGTH, excerpt, quote } from "./index.ts";

const anyText = fc.string({
  unit: fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 1 }), fc.constantFrom("\ud83d", "\udc00", "\u001b", "\n")),
});

test("an excerpt is well-formed, on one line, printable and short, whatever the text", () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 0, max: 40 }), (text, most) => {
      const shown = excerpt(text, most);
      assert.ok(shown.isWellFormed());
      assert.doesNotMatch(shown, /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u);
      assert.ok(shown.length <= Math.max(1, most));
      encodeURI(shown); // throws on half a character, as grpc-js does with a status
    }),
  );
});

test("a short printable text stays what it is", () => {
  for (const text of ["", "layers.0.weight", "é 😀 漢字", "x".repeat(EXCERPT_LENGTH)]) assert.equal(excerpt(text), text);
});

test("a cut never leaves half of a character", () => {
  assert.equal(excerpt("😀😀", 3), "😀…");
  assert.equal(excerpt("😀😀", 4), "😀😀");
  assert.equal(excerpt("a\ud83d"), "a\uFFFD");
});

test("lines become one, other control characters are shown as unknown", () => {
  assert.equal(excerpt("one\r\n\ttwo\u0000\u001b[31m\u202E"), "one two\uFFFD\uFFFD[31m\uFFFD");
});

test("a quotation has its marks escaped", () => {
  assert.equal(quote('a "b" \\'), '"a \\"b\\" \\\\"');
  assert.equal(quote("x".repeat(300)), `"${"x".repeat(EXCERPT_LENGTH - 1)}…"`);
});
