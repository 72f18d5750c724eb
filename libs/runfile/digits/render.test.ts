import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { styleNames } from "#libs/recipes";
import { methods } from "#libs/reporting";
import { excerpt } from "#libs/text";
import { OnFailure, RunSpecSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { parseRunFile, type RunSpecDraft, renderRunFile } from "../index.ts";

const path = "/somewhere/run.yaml";

function checkRoundTrip(spec: RunSpecDraft): void {
  const text = renderRunFile(spec, { data: "../data: here" });
  const again = parseRunFile(text, { path });
  assert.equal(again.dataPath, "/data: here");
  assert.deepEqual(create(RunSpecSchema, again.spec), create(RunSpecSchema, spec), text);
}

for (const name of ["tiny", "digits", "digits-near", "digits-full"]) {
  test(`examples/${name}.yaml is the same run when it was rendered from its specification`, () => {
    const file = fileURLToPath(new URL(`../../../examples/${name}.yaml`, import.meta.url));
    checkRoundTrip(parseRunFile(readFileSync(file, "utf8"), { path: file }).spec);
  });
}

const count = fc.integer({ min: 1, max: 100_000 });
const rate = fc.double({ min: 1e-300, max: 100, noNaN: true });
const training = fc.record({ steps: count, batch: count, learningRate: rate });
const glyphs = fc.record({
  classes: fc.integer({ min: 2, max: 1000 }),
  images: fc.integer({ min: 1000, max: 10_000_000 }),
  styles: fc.uniqueArray(fc.constantFrom(...styleNames), { minLength: 1 }),
  rotation: fc.double({ min: 0, max: 3.15, noNaN: true }),
});
const domains = fc.uniqueArray(
  fc.double({ min: -360, max: 360, noNaN: true }).map((degrees) => degrees + 0),
  { minLength: 2, maxLength: 6 },
);

test("any specification is the same when it is read from its run file", () => {
  fc.assert(
    fc.property(
      fc.record({
        name: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
        seeds: fc.uniqueArray(fc.integer({ min: 0, max: 4_294_967_295 }), { minLength: 1, maxLength: 4 }),
        target: domains.chain((all) =>
          fc.record({
            source: fc.constant(""),
            domains: fc.constant(all),
            heldOut: fc.shuffledSubarray(all, { minLength: 1 }),
            validationFraction: fc.double({ min: 0.001, max: 0.999, noNaN: true }),
          }),
        ),
        foundation: fc.record({
          data: glyphs,
          hidden: fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 8 }),
          training,
        }),
        auxiliaries: fc.uniqueArray(
          fc.record({ name: fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), data: glyphs, probe: training, training }),
          { minLength: 1, maxLength: 3, selector: ({ name }) => name.trim() },
        ),
        probe: training,
        fineTuning: fc.record({
          members: fc.integer({ min: 1, max: 1000 }),
          training: training.map((part) => ({ ...part, steps: part.steps + 100 })),
          validateEvery: fc.integer({ min: 1, max: 100 }),
          learningRateFactors: fc.array(rate, { minLength: 1, maxLength: 4 }),
          dropouts: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 4 }),
          weightDecays: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 4 }),
        }),
        methods: fc.shuffledSubarray([...methods]).map((some) => [...new Set([...some, "recycling"])]),
        onFailure: fc.constantFrom(OnFailure.FAIL, OnFailure.CONTINUE),
      }),
      (spec) => {
        fc.pre(
          spec.auxiliaries.every(
            ({ name }) => excerpt(name, 60) === name && name.trim() === name && !["foundation", "fused"].includes(name),
          ),
        );
        checkRoundTrip({ ...spec, backend: "wasm" });
      },
    ),
    { numRuns: 60 },
  );
});
