import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport, judge } from "./index.ts";
import type { Difference } from "./report.ts";
import { sentences } from "./sentences.ts";
import { syntheticRun } from "./testing/synthetic-run.ts";
import { points, signedPoints } from "./words.ts";

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
    "On these two seeds recycling is 3.7 points above the best single fine-tuning and 0.1 below a soup: better in 7 and 4 of 8 cells.",
  );
  assert.ok(text.includes("Two seeds are too few to decide this: examples/digits-full.yaml has ten."));
  assert.ok(say(differences, "mine").includes("Two seeds are too few to decide this: give the run file five or more."));
  assert.ok(!text.some((sentence) => /beats|loses to/.test(sentence)));
});

test("a difference is decided above two standard errors over five or more seeds", () => {
  const cases = [
    [0.02, 0.0099, 5, "better"],
    [0.02, 0.01, 5, "open"],
    [0.02, 0.0099, 4, "few-seeds"],
    [-0.02, 0.0099, 5, "worse"],
    [0.01, 0.005, 5, "tie"],
    [0.01, 0.0051, 5, "open"],
    [0, 0, 5, "tie"],
    [0.01, null, 1, "few-seeds"],
  ] as const;
  for (const [mean, sem, seeds, verdict] of cases) assert.equal(judge({ mean, sem, seeds }), verdict, `${mean} ± ${sem} over ${seeds}`);
});

test("failed members are told, with seed, domain and reason", () => {
  const text = buildReport(syntheticRun({ failed: true })).sentences.at(-1);
  assert.equal(
    text,
    "One of 160 fine-tunings failed and was left out (seed 10, held out 0°, recycled 3: loss is NaN at step 12 with learning rate 0.005).",
  );
});

test("numbers have one decimal, a true minus, and no negative zero", () => {
  assert.deepEqual([0.0455, -0.0193, -0.0001].map(points), ["4.6", "−1.9", "0.0"]);
  assert.deepEqual([0.0193, -0.0193, -0.0001].map(signedPoints), ["+1.9", "−1.9", "0.0"]);
});
