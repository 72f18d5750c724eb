import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport, judge } from "./index.ts";
import type { Analysis, Difference } from "./report.ts";
import { sentences } from "./sentences.ts";
import { syntheticRun } from "./testing/synthetic-run.ts";
import { errorsToDecide, verdictRule } from "./verdict.ts";
import { points, signedPoints, withError } from "./words.ts";

const base = buildReport(syntheticRun({ seeds: [10, 11, 12, 13, 14, 15, 16, 17, 18, 19], fused: true }));
const difference = (b: Difference["b"], mean: number, sem: number | null, counts: Partial<Difference> = {}): Difference => ({
  ...{ a: "recycling", b, mean, sem, won: 34, tied: 1, lost: 5, cells: 40, seeds: 10, columns: [] },
  ...counts,
});
const say = (differences: Difference[], name = "digits") => sentences({ ...base, name, differences });

test("the benchmark's numbers make the benchmark's sentences", () => {
  const text = say([
    difference("erm", 0.0455, 0.0073),
    difference("soup", 0.0193, 0.0041),
    difference("recycling-ensemble", -0.0001, 0.0021, { won: 18, tied: 4, lost: 18 }),
  ]);
  assert.equal(text[0], "Recycling beats the best single fine-tuning by 4.6 ± 0.7 points and a soup by 1.9 ± 0.4, in 34 of 40 cells.");
  assert.equal(text[1], "Recycling and the ensemble of its ten members: no difference (0.0 ± 0.2 points), at a tenth of the cost.");
});

test("where wins differ in cells, each has its own", () => {
  const [first] = say([difference("erm", 0.04, 0.01), difference("inter-training", 0.022, 0.006, { won: 27, tied: 2, lost: 11 })]);
  assert.equal(
    first,
    "Recycling beats the best single fine-tuning by 4.0 ± 1.0 points (34 of 40 cells) and inter-training by 2.2 ± 0.6 (27 of 40).",
  );
});

test("a loss is called a loss, a tie a tie, and what is not decided so", () => {
  assert.equal(
    say([difference("soup", -0.02, 0.004, { won: 5, tied: 1, lost: 34 })])[0],
    "Recycling loses to a soup by 2.0 ± 0.4 points, in 34 of 40 cells.",
  );
  assert.equal(say([difference("soup", -0.001, 0.0012)])[0], "Recycling and a soup: no difference (−0.1 ± 0.1 points).");
  assert.equal(say([difference("soup", 0.015, 0.009)])[0], "Recycling and a soup: not decided (+1.5 ± 0.9 points over ten seeds).");
  assert.equal(
    say([difference("recycling-ensemble", -0.02, 0.004)])[0],
    "The ensemble of its ten members beats recycling by 2.0 ± 0.4 points, at ten times the cost.",
  );
});

test("few seeds decide nothing, and the sentence says which file has more", () => {
  const few = { seeds: 2, cells: 8, won: 7, tied: 0, lost: 1 };
  const differences = [difference("erm", 0.0365, 0.0075, few), difference("soup", -0.001, 0.01, { ...few, won: 4, lost: 4 })];
  const text = say(differences);
  assert.equal(
    text[0],
    "On these two seeds recycling is 3.7 points above the best single fine-tuning (better in 7 of 8 cells) and 0.1 below a soup (4 of 8).",
  );
  assert.ok(text.includes("Two seeds are too few to decide this: examples/digits-full.yaml has ten."));
  assert.ok(say(differences, "mine").includes("Two seeds are too few to decide this: give the run file five or more."));
  assert.ok(!text.some((sentence) => /beats|loses to/.test(sentence)));
});

test("a difference is decided above two standard errors over ten seeds, above the t quantile over fewer, never below five", () => {
  const cases = [
    [0.02, 0.0099, 10, "better"],
    [0.02, 0.01, 10, "open"],
    [-0.02, 0.0099, 40, "worse"],
    [0.02, 0.0072, 5, "better"],
    [0.02, 0.0073, 5, "open"],
    [-0.02, 0.0086, 9, "worse"],
    [-0.02, 0.0087, 9, "open"],
    [0.02, 0.0001, 4, "few-seeds"],
    [0.01, null, 1, "few-seeds"],
  ] as const;
  for (const [mean, sem, seeds, verdict] of cases) assert.equal(judge({ mean, sem, seeds }), verdict, `${mean} ± ${sem} over ${seeds}`);
});

test("no difference is said only where one of a point is out of the question", () => {
  const cases = [
    [0, 0, 10, "tie"],
    [0.0014, 0.0018, 10, "tie"],
    [0.0048, 0.0026, 10, "tie"],
    [-0.0048, 0.0027, 10, "open"],
    [0.009, 0.0049, 10, "open"],
    [0, 0.0036, 5, "tie"],
    [0, 0.0037, 5, "open"],
    [0, 0.001, 4, "few-seeds"],
  ] as const;
  for (const [mean, sem, seeds, verdict] of cases) assert.equal(judge({ mean, sem, seeds }), verdict, `${mean} ± ${sem} over ${seeds}`);
});

test("a margin shrinks as seeds are added, to two standard errors", () => {
  const margins = Array.from({ length: 8 }, (_, i) => errorsToDecide(i + 4));
  assert.ok(margins.every((margin, i) => i === 0 || margin < margins[i - 1]! || margin === 2));
  assert.deepEqual([margins[0], margins.at(-1)], [Number.POSITIVE_INFINITY, 2]);
});

test("the rule is told as it is for the number of seeds", () => {
  assert.equal(verdictRule(4), "Below five seeds nothing is called decided.");
  assert.match(verdictRule(5), /more than 2\.8 standard errors from zero.*one in twenty/);
  assert.match(verdictRule(10), /more than two standard errors from zero.*up to one in thirteen/);
});

const sayOf = (analysis: Partial<Analysis>) => sentences({ ...base, differences: [], analysis: { ...base.analysis, ...analysis } });
const barrier = (mean: number, sem: number | null, seeds = 10): Analysis["barriers"][number] => ({
  ...{ set: "recycled", domain: "id-validation", mean, sem, seeds, max: 0.04, meanLoss: 0 },
});

test("members are said to lie in one basin only where a barrier of a point is out of the question", () => {
  const cases = [
    [barrier(0.0028, 0.0006), "loses 0.3 ± 0.1", "they lie in one basin, so their weights can be averaged."],
    [barrier(-0.004, 0.0004), "gains 0.40 ± 0.04", "they lie in one basin, so their weights can be averaged."],
    [barrier(0.009, 0.001), "loses 0.9 ± 0.1", "whether they lie in one basin is not decided."],
    [barrier(0.03, 0.004), "loses 3.0 ± 0.4", "they are too far apart to be averaged without loss."],
    [barrier(0.009, 0.02, 2), "loses 0.9 ± 2.0", "they lie in one basin, so their weights can be averaged."],
  ] as const;
  for (const [entry, change, meaning] of cases) {
    const text = sayOf({ barriers: [entry] }).find((sentence) => sentence.startsWith("Halfway"));
    assert.equal(
      text,
      `Halfway between two recycled members the network ${change} points of accuracy on validation data, compared with the mean of the two: ${meaning}`,
    );
  }
});

test("the average is compared with the mean accuracy of its members, in points and in cells", () => {
  const above = { above: 34, cells: 40, average: 0.841, members: 0.802, gain: { mean: 0.039, sem: 0.004 } };
  const said = (aboveMemberMean: Analysis["aboveMemberMean"]) =>
    sayOf({ aboveMemberMean }).find((text) => text.includes("the members that it averages"));
  assert.equal(
    said(above),
    "Recycling gains 3.9 ± 0.4 points over the mean of the members that it averages, 84.1 % against 80.2 %; it is better in 34 of 40 cells.",
  );
  assert.match(
    said({ ...above, average: 0.79, gain: { mean: -0.012, sem: null } }) ?? "",
    /loses 1\.2 points against the mean of the members/,
  );
  assert.equal(said({ above: 0, cells: 0, average: null, members: null, gain: null }), undefined);
});

test("diversity is compared pair by pair, and a difference that is not decided is not claimed", () => {
  const diversity = [
    { set: "soup", ratioError: 0.72, sem: 0.02 },
    { set: "recycled", ratioError: 0.91, sem: 0.03 },
  ] as const;
  const of = (mean: number, sem: number | null, seeds: number) =>
    sayOf({ diversity, diversityGap: { mean, sem, seeds } }).find((sentence) => sentence.includes("ratio-error"));
  const numbers = "ratio-error 0.91 ± 0.03 against 0.72 ± 0.02.";
  assert.equal(of(0.19, 0.03, 10), `Recycled members err more differently than those of the soup: ${numbers}`);
  assert.equal(of(-0.19, 0.03, 10), `Recycled members err less differently than those of the soup: ${numbers}`);
  assert.equal(of(0.19, 0.1, 10), `Whether recycled members err more differently than those of the soup is not decided: ${numbers}`);
  assert.equal(of(0.19, 0.01, 2), `On these two seeds recycled members err more differently than those of the soup: ${numbers}`);
});

test("failed members are told, with seed, domain and reason", () => {
  const text = buildReport(syntheticRun({ failed: true })).sentences.at(-1);
  assert.equal(
    text,
    "One of 160 fine-tunings failed and was left out (seed 10, held out 0°, recycled 3: loss is NaN at step 12 with learning rate 0.005).",
  );
});

test("numbers have one decimal, a true minus, and no negative zero", () => {
  assert.deepEqual(
    [0.0455, -0.0193, -0.0001].map((value) => points(value)),
    ["4.6", "−1.9", "0.0"],
  );
  assert.deepEqual(
    [0.0193, -0.0193, -0.0001].map((value) => signedPoints(value)),
    ["+1.9", "−1.9", "0.0"],
  );
  assert.equal(withError(0.0024, 0.0006), "0.2 ± 0.1");
  assert.equal(withError(0.0024, 0.0004), "0.24 ± 0.04");
  assert.equal(withError(-0.00001, 0.0004, { signed: true }), "0.00 ± 0.04");
  assert.equal(withError(0.0024, 0), "0.2 ± 0.0");
});
