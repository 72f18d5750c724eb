import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport } from "./index.ts";
import type { Cell, Measurements } from "./report.ts";
import { atChance } from "./soundness.ts";
import { syntheticRun } from "./testing/synthetic-run.ts";

/** A run whose cells are changed. */
function run(change: (cell: Cell) => Cell, classes = 10): Measurements {
  const sound = syntheticRun({ fused: true });
  return { ...sound, task: { ...sound.task, classes }, cells: sound.cells.map(change) };
}

const membersAt = (accuracy: number, validationAccuracy: number) => (cell: Cell) => ({
  ...cell,
  members: cell.members.map((member) => ({ ...member, accuracy, validationAccuracy })),
});

const probeAt = (accuracy: number) => (cell: Cell) => ({
  ...cell,
  averages: cell.averages.map((entry) => (entry.method === "linear-probe" ? { ...entry, accuracy } : entry)),
});

const aboutBasins = /basin|differently|too far apart/;

test("a sound run has no warnings, and speaks of basins", () => {
  const { warnings, sentences } = buildReport(run((cell) => cell));
  assert.deepEqual(warnings, []);
  assert.ok(sentences.some((text) => aboutBasins.test(text)));
});

test("a run in which every fine-tuning is at chance says so first, and nothing of basins", () => {
  const { warnings, sentences } = buildReport(run(membersAt(0.118, 0.121)));
  assert.equal(sentences[0], warnings[0]);
  assert.match(
    sentences[0]!,
    /^Warning: every fine-tuning is at chance on the held-out domain and on validation data: the best has 11\.8 %, guessing among ten classes gives 10\.0 %\./,
  );
  assert.equal(sentences.length, 1, "nothing is compared");
});

test("fine-tunings that learned their domains and nothing that carries over are told apart from those that learned nothing", () => {
  const [first] = buildReport(run(membersAt(0.09, 0.95))).sentences;
  assert.match(first!, /at chance on the held-out domain, though not on validation data/);
});

test("one fine-tuning above chance is enough to compare", () => {
  const { warnings } = buildReport(
    run((cell) => ({ ...cell, members: cell.members.map((member, i) => ({ ...member, accuracy: i === 0 ? 0.6 : 0.1 })) })),
  );
  assert.deepEqual(warnings, []);
});

test("a linear probe that beats everything is said first, with the next best, and nothing of basins", () => {
  const { warnings, sentences } = buildReport(run(probeAt(0.99)));
  assert.equal(warnings.length, 1);
  assert.match(
    sentences[0]!,
    /^Warning: a linear probe of the frozen foundation beats every fine-tuning and every average: 99\.0 % against \d+\.\d % of /,
  );
  assert.ok(!sentences.some((text) => aboutBasins.test(text)));
});

test("chance is told from skill with two classes and with hundreds", () => {
  assert.ok(atChance(0.52, 2) && !atChance(0.53, 2));
  assert.ok(atChance(0.14, 10) && !atChance(0.15, 10));
  assert.ok(atChance(0.005, 345) && !atChance(0.006, 345));
  assert.ok(atChance(0, 10));
});

test("the linear probe is among those that recycling is compared with", () => {
  const { sentences } = buildReport(run((cell) => cell));
  assert.match(sentences[0]!, /above a linear probe \(better in 8 of 8 cells\), .* above the best single fine-tuning \(\d of 8\)/);
});
