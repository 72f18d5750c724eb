import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { drawRanges } from "./draw-ranges.ts";
import { randomState } from "./random-state.ts";
import { seedHash } from "./seed-hash.ts";
import { splitRows } from "./split-rows.ts";

test("the generator has the standard's ten thousandth number, and numpy's numbers for another seed", () => {
  const standard = randomState(5489);
  for (let i = 1; i < 10_000; i++) standard.upTo(0xffffffff);
  assert.equal(standard.upTo(0xffffffff), 4_123_659_995);
  const numpy = randomState(123_456_789);
  const numbers = Array.from({ length: 5 }, () => numpy.upTo(0xffffffff));
  assert.deepEqual(numbers, [2_288_500_408, 4_254_805_660, 2_294_099_250, 56_498_137, 2_188_513_626]);
});

test("a shuffle of a thousand rows is numpy's", () => {
  const rows = Int32Array.from({ length: 1001 }, (_, row) => row);
  randomState(seedHash(3, 2)).shuffle(rows);
  assert.deepEqual([...rows.slice(0, 5)], [605, 927, 476, 55, 497]);
  const bytes = new DataView(new ArrayBuffer(4 * rows.length));
  rows.forEach((row, i) => void bytes.setInt32(4 * i, row, true));
  assert.equal(
    createHash("sha256").update(new Uint8Array(bytes.buffer)).digest("hex"),
    "788369fcb94e4b2de869cf2684cecd833fffda086c14031fcc79381b70d720cb",
  );
});

test("runs 1 to 6 of trial 0 draw what DomainBed's code draws with numpy", () => {
  const [rates, decays, dropouts] = [
    [1e-5, 3e-5, 5e-5],
    [1e-4, 1e-6],
    [0, 0.1, 0.5],
  ] as const;
  const drawn = [1, 2, 3, 4, 5, 6].map((run) => {
    const { learningRate, weightDecay, dropout } = drawRanges({ learningRate: 3, weightDecay: 2, dropout: 3 }, { run, trial: 0 });
    return [rates[learningRate], decays[weightDecay], dropouts[dropout]];
  });
  assert.deepEqual(drawn, [
    [3e-5, 1e-4, 0.5],
    [1e-5, 1e-6, 0.5],
    [3e-5, 1e-6, 0],
    [1e-5, 1e-6, 0],
    [3e-5, 1e-4, 0.5],
    [3e-5, 1e-4, 0.1],
  ]);
});

test("a split has every row once", () => {
  const shape = fc.record({ fraction: fc.double({ min: 0.01, max: 0.99, noNaN: true }), trial: fc.nat(100), domain: fc.nat(10) });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), shape, (rows, options) => {
      const { training, validation } = splitRows(rows, options);
      assert.equal(validation.length, Math.floor(options.fraction * rows));
      assert.deepEqual(
        [...training, ...validation].sort((a, b) => a - b),
        Array.from({ length: rows }, (_, row) => row),
      );
    }),
  );
});
