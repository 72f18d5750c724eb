import assert from "node:assert/strict";
import { join, sep } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { nameWord } from "./index.ts";

test("a name that is allowed stays, degrees too", () => {
  for (const text of ["25", "-25", "22.5", "photo", "art_painting", "a".repeat(60)]) assert.equal(nameWord(text), text);
});

test("whatever a text is, it becomes one word of a path, and different texts become different words", () => {
  const nasty = fc.constantFrom("", ".", "..", "../../etc", "a/b", "a\\b", "a b", "a-b", "a\0b", "CON", "é", "\ud800", "x".repeat(300));
  fc.assert(
    fc.property(fc.oneof(nasty, fc.string({ unit: "binary" })), fc.oneof(nasty, fc.string()), (a, b) => {
      const word = nameWord(a);
      assert.match(word, /^[\w-][\w.-]{0,59}$/);
      assert.equal(join("folder", word), `folder${sep}${word}`);
      if (a.toWellFormed() !== b.toWellFormed()) assert.notEqual(word, nameWord(b));
    }),
  );
});
