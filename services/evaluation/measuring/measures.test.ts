import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import type { Block } from "#libs/predictions";
import type { Json, Measurement, PredictionScore } from "#libs/recipes";
import { measures } from "./measures.ts";

type Numbers = { readonly accuracy: number; readonly loss: number };
type Expected = { readonly rows: Numbers; readonly domains: readonly Numbers[] };
/** See generate.py beside it. */
const fixture: {
  readonly classes: number;
  readonly labels: readonly number[];
  readonly domains: readonly number[];
  readonly logits: readonly (readonly number[])[];
  readonly accuracy: readonly Expected[];
  readonly ensemble: { readonly probabilities: Expected; readonly logits: Expected };
  readonly calibration: readonly { readonly [name in "ece15" | "ece10" | "equalMass15" | "equalMass7" | "brier"]: number }[];
  readonly ratioErrors: readonly number[];
} = JSON.parse(readFileSync(new URL("../../../test/fixtures/measures/measures.json", import.meta.url), "utf8"));

const domainNames = ["art", "photo", "sketch"];
const whole: Block = {
  rows: fixture.labels.length,
  labels: Int32Array.from(fixture.labels),
  domains: Int32Array.from(fixture.domains),
  logits: fixture.logits.map((numbers) => Float32Array.from(numbers)),
};

/** Rows of a block, from `begin` to before `end`. */
function part({ labels, domains, logits }: Block, begin: number, end: number, classes: number): Block {
  return {
    rows: end - begin,
    labels: labels.subarray(begin, end),
    domains: domains.subarray(begin, end),
    logits: logits.map((numbers) => numbers.subarray(begin * classes, end * classes)),
  };
}

/** Measures blocks of rows; of the fixture, whole, unless others are given. */
function run<M extends Measurement["measure"]>(
  name: M,
  options: { readonly [name: string]: Json } = {},
  { blocks = [whole], classes = fixture.classes, domains = domainNames } = {},
): Extract<Measurement, { measure: M }> {
  const measure = measures.get(name) ?? assert.fail(`no measure ${name}`);
  const tally = measure.begin({ classes, domains, predictions: blocks[0]!.logits.length }, options);
  for (const block of blocks) tally.add(block);
  return tally.result() as Extract<Measurement, { measure: M }>;
}

function near(actual: number | undefined, expected: number, tolerance = 1e-12): void {
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= tolerance, `${actual} is not ${expected}`);
}

function sameScores({ correct, count, loss, domains, mean }: PredictionScore, expected: Expected): void {
  near(correct / count, expected.rows.accuracy);
  near(loss, expected.rows.loss);
  assert.deepEqual(
    domains.map(({ domain }) => domain),
    domainNames,
  );
  for (const [i, own] of domains.entries()) {
    near(own.correct / own.count, expected.domains[i]!.accuracy);
    near(own.loss, expected.domains[i]!.loss);
  }
  near(mean.accuracy, expected.domains.reduce((sum, { accuracy }) => sum + accuracy, 0) / 3);
  near(mean.loss, expected.domains.reduce((sum, { loss }) => sum + loss, 0) / 3);
}

test("accuracy and cross-entropy are scikit-learn's and PyTorch's, by domain, of all rows, and as the mean of the domains", () => {
  const { predictions } = run("accuracy");
  assert.equal(predictions.length, 3);
  for (const [i, scores] of predictions.entries()) sameScores(scores, fixture.accuracy[i]!);
});

test("ensembles of probabilities and of logits are those of PyTorch", () => {
  sameScores(run("ensemble"), fixture.ensemble.probabilities);
  sameScores(run("ensemble", { mean: "logits" }), fixture.ensemble.logits);
});

test("expected calibration errors are torchmetrics', Brier scores scikit-learn's", () => {
  const [fifteen, ten] = [run("calibration"), run("calibration", { bins: 10 })];
  for (const [i, expected] of fixture.calibration.entries()) {
    const own = fifteen.predictions[i]!;
    // torchmetrics puts confidences into its bins in float32.
    near(own.ece, expected.ece15, 1e-7);
    near(ten.predictions[i]?.ece, expected.ece10, 1e-7);
    near(own.brier, expected.brier);
    assert.equal(
      own.bins.reduce((sum, { count }) => sum + count, 0),
      90,
    );
    assert.deepEqual(
      own.domains.map(({ domain }) => domain),
      domainNames,
    );
  }
});

test("adaptive calibration errors are those of uncertainty-calibration, and their bins have as many rows each", () => {
  const [fifteen, seven] = [run("calibration", { mass: "equal" }), run("calibration", { mass: "equal", bins: 7 })];
  for (const [i, expected] of fixture.calibration.entries()) {
    near(fifteen.predictions[i]?.ece, expected.equalMass15, 1e-6);
    near(seven.predictions[i]?.ece, expected.equalMass7, 1e-6);
    near(seven.predictions[i]?.brier, expected.brier);
    assert.deepEqual(
      seven.predictions[i]?.bins.map(({ count }) => count),
      [13, 13, 13, 13, 13, 13, 12],
    );
  }
});

test("the ratio-error is the mean over pairs", () => {
  const { ratioError, pairs } = run("diversity");
  assert.equal(pairs, 3);
  near(ratioError, fixture.ratioErrors.reduce((sum, ratio) => sum + ratio, 0) / 3);
});

test("what comes out does not depend, in one bit, on where blocks of rows end", () => {
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: whole.rows - 1 }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.constantFrom(...measures.keys()), cuts, (name, places) => {
      const ends = [...places.sort((a, b) => a - b), whole.rows];
      const blocks = ends.map((end, i) => part(whole, ends[i - 1] ?? 0, end, fixture.classes));
      assert.deepEqual(run(name as "accuracy", {}, { blocks }), run(name as "accuracy"));
    }),
  );
});

test("of equal logits the first class is the answer; logits beyond what exp can give have a finite loss; an absent domain has no say", () => {
  const logits = [Float32Array.of(1, 1, 0, 0, 3e38, -3e38), Float32Array.of(1, 1, 0, 0, 3e38, -3e38)];
  const block = { rows: 3, labels: Int32Array.of(0, 1, 1), domains: Int32Array.of(0, 0, 2), logits };
  const given = { blocks: [block], classes: 2 };
  const { predictions } = run("accuracy", {}, given);
  assert.deepEqual(
    predictions[0]?.domains.map(({ correct, count }) => [correct, count]),
    [
      [1, 2],
      [0, 0],
      [0, 1],
    ],
  );
  assert.equal(predictions[0]?.mean.accuracy, 0.25);
  assert.ok(Number.isFinite(predictions[0]?.loss) && predictions[0]!.loss > 1e38);
  const together = run("ensemble", {}, given);
  assert.ok(Number.isFinite(together.loss) && together.loss > 1e38);
  const { predictions: calibrated } = run("calibration", {}, given);
  // Certain and wrong: |0 - 1|. Half sure, and right every other time: 0.
  near(calibrated[0]?.ece, 1 / 3);
  near(calibrated[0]?.brier, (0.5 + 0.5 + 2) / 3);
});
