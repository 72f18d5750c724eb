import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeEntry, firstEntry, type JournalEntry, parseJournal, toRanges } from "./journal.ts";
import { fromJson, toJson } from "./plain-json.ts";

const anyEntry = fc.oneof(
  fc.record({ owner: fc.record({ pid: fc.nat(), started: fc.string() }) }),
  fc.uniqueArray(fc.nat({ max: 99 }), { minLength: 1 }).map((units) => ({ done: toRanges(units) })),
  fc.record({
    total: fc.string(),
    value: fc.constantFrom<unknown[]>(new Float64Array([1, Number.NaN]), new Uint32Array(3), { a: [1, -0] }, undefined),
  }),
);

test("any prefix of a journal is what was true then: a line that was cut off is as good as not written", () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 8 }), fc.nat({ max: 2000 }), (entries: JournalEntry[], cut) => {
      const lines = [firstEntry("key", 100), ...entries].map(encodeEntry);
      const text = lines.join("").slice(0, cut);
      const whole = lines.filter((_, i) => lines.slice(0, i + 1).join("").length <= text.length);
      assert.deepEqual(parseJournal(text, "key", 100), whole.length === 0 ? undefined : parseJournal(whole.join(""), "key", 100));
    }),
  );
});

test("a journal says what is done, what is known and who works", () => {
  const entries: JournalEntry[] = [
    firstEntry("key", 10),
    { owner: { pid: 7 } },
    {
      done: [
        [0, 2],
        [5, 5],
      ],
    },
    { total: "ties 0", value: Float64Array.of(1, 2) },
    { done: [[3, 3]] },
    { publish: ["sha256:1"] },
  ];
  assert.deepEqual(parseJournal(entries.map(encodeEntry).join(""), "key", 10), {
    done: new Set([0, 1, 2, 5, 3]),
    totals: new Map([["ties 0", Float64Array.of(1, 2)]]),
    publish: ["sha256:1"],
  });
});

test("the journal of another plan, of other units or of another version is none", () => {
  const text = encodeEntry(firstEntry("key", 10));
  assert.ok(parseJournal(text, "key", 10));
  assert.equal(parseJournal(text, "other", 10), undefined);
  assert.equal(parseJournal(text, "key", 11), undefined);
  assert.equal(parseJournal(text.replace('"version":1', '"version":0'), "key", 10), undefined);
  for (const wrong of ["", "{}\n", "null\n", "nonsense\n"]) assert.equal(parseJournal(wrong, "key", 10), undefined);
});

test("plain data survives JSON", () => {
  for (const value of [
    1,
    -0,
    Number.NaN,
    -Infinity,
    5n,
    undefined,
    null,
    "x",
    [1, [2]],
    { $: "y", a: { b: 1 } },
    new Map([[1, "a"]]),
    new Set([2]),
  ]) {
    assert.deepEqual(fromJson(toJson(value)), value);
  }
  for (const array of [Float32Array.of(1.5), new Uint32Array(0), BigInt64Array.of(-1n), Uint8Array.of(1, 2, 3)]) {
    assert.deepEqual(fromJson(toJson({ array })), { array });
  }
  assert.throws(() => toJson({ run: () => 1 }), TypeError);
});
