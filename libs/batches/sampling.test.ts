import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { openStream, PURPOSE } from "#libs/deterministic";
import { drawOperations, type Operation, presetOf, type Size } from "#libs/images";
import { openSampling, placeOf, type SamplingOptions } from "./sampling.ts";

// Made by a second implementation of docs/images.md: test/fixtures/sampling/generate.py.
const fixture = async (name: string) =>
  JSON.parse(await readFile(new URL(`../../test/fixtures/sampling/${name}.json`, import.meta.url), "utf8"));
const rows: readonly (SamplingOptions & { rows: { [step: string]: number[][] } })[] = await fixture("rows");
const drawn: readonly { seed: number; domain: number; position: number; picture: Size; operations: Operation[] }[] =
  await fixture("domainbed-1");

for (const { rows: expected, ...options } of rows.filter(({ sizes }) => sizes[0]! < 1e6)) {
  const { seed, sizes, replacement } = options;
  test(`rows of ${sizes.join(", ")} with seed ${seed}, ${replacement ? "with" : "without"} replacement, are those of the vectors`, () => {
    const samplesOf = openSampling(options);
    for (const [step, domains] of Object.entries(expected)) {
      const samples = samplesOf(Number(step));
      const indexes = sizes.map((_, domain) => samples.filter((sample) => sample.domain === domain).map(({ index }) => index));
      assert.deepEqual(indexes, domains);
    }
  });
}

test("positions beyond 32 bits and huge domains are those of the vectors", () => {
  const { rows: expected, ...options } = rows.find(({ sizes }) => sizes[0]! > 1e6)!;
  for (const [step, [indexes]] of Object.entries(expected)) {
    assert.deepEqual(
      openSampling(options)(Number(step)).map(({ index }) => index),
      indexes,
    );
  }
});

test("what is done to a picture is what the vectors say", () => {
  for (const { seed, domain, position, picture, operations } of drawn) {
    const stream = openStream([seed, PURPOSE.augmentation], placeOf(domain, position));
    assert.deepEqual(drawOperations(presetOf("domainbed/1"), picture, { width: 224, height: 224 }, stream), operations);
  }
});

test("without replacement every row comes once in every epoch, whatever the batch", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 90 }), (seed, size, batch) => {
      const samplesOf = openSampling({ seed, sizes: [size, 3], batch, replacement: false });
      const epochs = 3;
      const steps = Math.ceil((epochs * size) / batch);
      const indexes = Array.from({ length: steps }, (_, i) => samplesOf(i + 1))
        .flat()
        .filter(({ domain }) => domain === 0)
        .map(({ index }) => index);
      for (let epoch = 0; epoch < epochs; epoch++) {
        assert.equal(new Set(indexes.slice(epoch * size, (epoch + 1) * size)).size, size);
      }
    }),
  );
});

test("a step's rows do not depend on which steps were asked for before", () => {
  const options = { seed: 3, sizes: [5, 9], batch: 4, replacement: false };
  const inOrder = openSampling(options);
  const expected = Array.from({ length: 6 }, (_, i) => inOrder(i + 1));
  const backwards = openSampling(options);
  for (const step of [6, 5, 4, 3, 2, 1]) assert.deepEqual(backwards(step), expected[step - 1]);
});
