import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reading } from "#libs/model-folders";
import { paint } from "../render/line.ts";
import { readingLine, showReading } from "./reading-display.ts";

const lineOf = (reading: Reading, ms = 1000, bar = false) => paint(readingLine("merging 8 models", reading, ms, bar), false);

test("a line says how far, how fast, how much longer, and how much", () => {
  assert.equal(
    lineOf({ readBytes: 1.6e9, totalBytes: 3.2e9 }, 400),
    "merging 8 models  50 %  4.0 GB/s  less than 10 s left  1.6 GB of 3.2 GB",
  );
  assert.equal(
    lineOf({ readBytes: 2e9, totalBytes: 100e9, resumedBytes: 1.5e9, pass: 1, passes: 4 }),
    "merging 8 models  2 %  0.50 GB/s  about 3 min left  2.0 GB of 100 GB, pass 1 of 4",
  );
  assert.match(lineOf({ readBytes: 1, totalBytes: 2 }, 1000, true), /^merging 8 models {2}━{16} {2}50 %/);
});

test("nothing is divided by nothing", () => {
  assert.equal(lineOf({ readBytes: 0, totalBytes: 0 }, 0), "merging 8 models  100 %  0 B of 0 B");
  assert.equal(lineOf({ readBytes: 0, totalBytes: 10 }, 0), "merging 8 models  0 %  0 B of 10 B");
});

/** What is written when progress comes at these times. */
function shown(isTTY: boolean, quiet: boolean, ...times: number[]): string[] {
  const texts: string[] = [];
  let now = 0;
  const stream = { isTTY, columns: 30, write: (text: string) => texts.push(text) };
  {
    using display = showReading("merging", stream, quiet, () => now);
    for (now of times) display.update({ readBytes: now, totalBytes: 10_000 });
  }
  return texts;
}

test("in a terminal one line is drawn again, at most ten times a second, cut to its columns, and taken away", () => {
  assert.deepEqual(shown(true, false, 100, 200), [], "what is over at once is not shown");
  const [first, second, last, ...more] = shown(true, false, 301, 350, 402);
  assert.deepEqual([first?.startsWith("\r\x1b[Kmerging  "), first?.endsWith("…"), first?.length], [true, true, 4 + 29]);
  assert.equal(second?.length, first?.length);
  assert.deepEqual([last, more], ["\r\x1b[K", []]);
});

test("elsewhere a line every five seconds, and none if it is quiet", () => {
  assert.deepEqual(
    shown(false, false, 100, 5001, 6000, 9999).map((text) => text.slice(0, 13)),
    ["merging  50 %"],
  );
  assert.deepEqual(shown(true, true, 1000, 9000), []);
});
