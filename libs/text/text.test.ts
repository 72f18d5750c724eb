import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ago,
  bytes,
  columns,
  columnsOf,
  counted,
  didYouMean,
  duration,
  fewLines,
  list,
  nearest,
  nearestFew,
  pad,
  plural,
  remaining,
  take,
  wholeSeconds,
  wrap,
} from "./index.ts";

test("columns are those of a terminal, not characters", () => {
  assert.deepEqual(["abc", "日本語", "e\u0301", "👩‍👩‍👧", "…", "\x1b[31mred\x1b[0m"].map(columnsOf), [3, 6, 1, 2, 1, 3]);
  assert.equal(pad("日本", 6), "日本  ");
  assert.deepEqual([take("日本語", 5), take("abc", 2), take("👩‍👩‍👧!", 1)], ["日本", "ab", ""]);
});

test("a text is broken between words, keeps its indentation and loses nothing", () => {
  assert.equal(wrap("one two three", 8), "one two\nthree");
  assert.equal(wrap("  one two three", 9), "  one two\n  three");
  assert.equal(wrap("a: one two", 6, 3), "a: one\n   two");
  assert.equal(wrap("a\n\nb", 1), "a\n\nb");
  assert.equal(wrap("see /a/very/long/path/that/is/whole now", 10), "see\n/a/very/long/path/that/is/whole\nnow");
  assert.equal(wrap("日本 日本 日本", 9), "日本 日本\n日本");
  const word = fc.string({ unit: fc.constantFrom("a", "b", "é", "日"), minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 1 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 10 }),
      (words, width, hanging) => {
        const lines = wrap(words.join(" "), width, hanging).split("\n");
        assert.deepEqual(
          lines.flatMap((line) => line.trim().split(" ")),
          words,
        );
        for (const line of lines) assert.ok(columnsOf(line) <= width || !line.trim().includes(" "), JSON.stringify(line));
      },
    ),
  );
});

test("a table fits its width: the widest cells are broken, between words where that can be", () => {
  const head = ["job", "what", "when"];
  const rows = [["job-1", "seed 10 · held out 50° · recycled", "just now"]];
  assert.equal(columns(head, rows), "job    what                               when\njob-1  seed 10 · held out 50° · recycled  just now\n");
  // An indented word is no shorter than it is.
  assert.equal(columns(["  a", "b"], [["  normalize", "one two three"]], 20), "  a          b\n  normalize  one two\n             three\n");
  assert.equal(columns(head, rows, 36), "job    what                when\njob-1  seed 10 · held out  just now\n       50° · recycled\n");
});

test("a table of any cells is never wider than its width", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", " ", "b", "日", "-"), maxLength: 60 });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 5 }), fc.integer({ min: 24, max: 120 }), (rows, width) => {
      for (const line of columns(["one", "two", "three"], rows, width).split("\n"))
        assert.ok(columnsOf(line) <= width, JSON.stringify(line));
    }),
  );
});

test("one plural rule", () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, "model")),
    ["0 models", "1 model", "2 models"],
  );
  assert.deepEqual([plural(2, "directory", "directories"), plural(1, "is", "are")], ["directories", "is"]);
  assert.deepEqual([list([]), list(["a"]), list(["a", "b"]), list(["a", "b", "c"], "or")], ["", "a", "a and b", "a, b or c"]);
});

test("many lines become ten and how many more there are", () => {
  const lines = Array.from({ length: 642 }, (_, i) => `line ${i}`);
  assert.deepEqual(fewLines(lines, { where: "--json" }).slice(9), ["line 9", "… and 632 more (`--json` has all)"]);
  assert.deepEqual(fewLines(lines.slice(0, 12)).at(-1), "… and 2 more");
  assert.equal(fewLines(lines.slice(0, 11)).length, 11);
});

test("the nearest names are found, and none where none is near", () => {
  const methods = ["linear", "slerp", "ties", "dare_ties", "dare_linear"];
  assert.equal(nearest("sleerp", methods), "slerp");
  assert.equal(nearest("dare-ties", methods), "dare_ties");
  assert.equal(nearest("xyzzy", methods), undefined);
  assert.deepEqual(nearestFew("dare", methods), ["dare_ties", "dare_linear"]);
  assert.equal(didYouMean("tise", methods, "none"), "did you mean ties?");
  assert.equal(didYouMean("xyzzy", methods, "ratatouille methods lists all"), "ratatouille methods lists all");
});

test("times and sizes read well", () => {
  assert.deepEqual([0, 850, 12_500, 59_960, 383_000, 7_500_000].map(duration), [
    "0 ms",
    "850 ms",
    "12.5 s",
    "1 min 0 s",
    "6 min 23 s",
    "2 h 5 min",
  ]);
  assert.deepEqual([0.4, 59.4, 65, 3725].map(wholeSeconds), ["0 s", "59 s", "1 min 5 s", "1 h 2 min"]);
  assert.deepEqual([3, 44, 125, 9000].map(remaining), ["less than 10 s left", "about 40 s left", "about 2 min left", "about 2.5 h left"]);
  const now = 1_000_000_000_000;
  assert.deepEqual(
    [5, 60, 3599, 7200, 86_400, 200_000].map((seconds) => ago(BigInt(now - 1000 * seconds), now)),
    ["just now", "1 min ago", "59 min ago", "2 h ago", "1 day ago", "2 days ago"],
  );
  assert.deepEqual([999, 1000, 28_000, 4e8, 1.5e12].map(bytes), ["999 B", "1.0 kB", "28 kB", "400 MB", "1.5 TB"]);
});
