import assert from "node:assert/strict";
import { test } from "node:test";
import { buildReport, renderHtml } from "./index.ts";
import type { Cell } from "./report.ts";
import { mean, standardError } from "./statistics.ts";
import { syntheticRun } from "./testing/synthetic-run.ts";

const close = (actual: number | null | undefined, expected: number, tolerance = 1e-12) =>
  assert.ok(actual !== null && actual !== undefined && Math.abs(actual - expected) < tolerance, `${actual} is not ${expected}`);

test("the standard error is the one of a sample, and absent for one value", () => {
  assert.equal(standardError([0.6]), null);
  close(standardError([60, 62, 64]), 2 / Math.sqrt(3));
});

test("a table row is the mean over seeds of each seed's mean over domains", () => {
  const report = buildReport(syntheticRun({ seeds: [10, 11, 12] }));
  const row = report.table.find(({ method }) => method === "recycling");
  const accuracies = [10, 11, 12].map((seed) =>
    mean(report.results.filter((result) => result.method === "recycling" && result.seed === seed).map((result) => result.accuracy)),
  );
  close(row?.mean, mean(accuracies));
  close(row?.sem, standardError(accuracies)!);
  const angle = report.results
    .filter((result) => result.method === "recycling" && result.heldOut === "50°")
    .map((result) => result.accuracy);
  close(row?.columns[2]?.mean, mean(angle));
  close(row?.columns[2]?.sem, standardError(angle)!);
});

test("results have every method of the run in every cell, and no other", () => {
  const report = buildReport(syntheticRun());
  assert.equal(report.results.length, 2 * 4 * 9);
  assert.ok(report.results.every(({ method }) => method !== "fusing"));
  assert.equal(buildReport(syntheticRun({ fused: true })).results.length, 2 * 4 * 10);
});

test("the best member is the one with the best validation accuracy, of equals the one of lowest index", () => {
  const run = syntheticRun({ seeds: [10], heldOut: ["50°"] });
  const tied = run.cells.map((cell) => ({
    ...cell,
    members: [...cell.members].reverse().map((member) => ({
      ...member,
      validationAccuracy: member.set === "soup" && (member.index === 2 || member.index === 7) ? 0.99 : 0.9,
      accuracy: member.index / 10,
    })),
  }));
  const report = buildReport({ ...run, cells: tied });
  const of = (method: string) => report.results.find((result) => result.method === method)?.accuracy;
  assert.equal(of("erm"), 0.2);
  assert.equal(of("inter-training"), 0);
});

test("paired differences count wins, ties and losses by cell and have the error of seed means", () => {
  const base = syntheticRun({ seeds: [1, 2], heldOut: ["0°", "25°"] });
  const set = (cell: Cell, recycling: number, soup: number): Cell => ({
    ...cell,
    averages: cell.averages.map((average) =>
      average.method === "recycling"
        ? { ...average, accuracy: recycling }
        : average.method === "soup"
          ? { ...average, accuracy: soup }
          : average,
    ),
  });
  const values: [number, number][] = [
    [0.7, 0.6],
    [0.8, 0.8],
    [0.6, 0.7],
    [0.9, 0.6],
  ];
  const report = buildReport({ ...base, cells: base.cells.map((cell, i) => set(cell, ...(values[i] ?? [0, 0]))) });
  const difference = report.differences.find(({ a, b }) => a === "recycling" && b === "soup");
  assert.deepEqual([difference?.won, difference?.tied, difference?.lost, difference?.cells, difference?.seeds], [2, 1, 1, 4, 2]);
  close(difference?.mean, 0.075);
  close(difference?.sem, standardError([0.05, 0.1])!);
  close(difference?.columns[0]?.mean, 0);
  close(difference?.columns[1]?.mean, 0.15);
});

test("the order of cells does not matter", () => {
  const run = syntheticRun();
  assert.deepEqual(buildReport({ ...run, cells: [...run.cells].reverse() }), buildReport(run));
});

test("a seed that lacks a domain counts in that column only", () => {
  const run = syntheticRun({ seeds: [10, 11, 12] });
  const report = buildReport({ ...run, cells: run.cells.filter((cell) => cell.seed !== 12 || cell.heldOut !== "75°") });
  const whole = buildReport(syntheticRun({ seeds: [10, 11] }));
  assert.equal(report.table[0]?.mean, whole.table[0]?.mean);
  assert.notEqual(report.table[0]?.columns[0]?.mean, whole.table[0]?.columns[0]?.mean);
  assert.equal(report.differences[0]?.seeds, 2);
});

test("analysis averages barriers and diversity over domains, then seeds", () => {
  const run = syntheticRun({ seeds: [10, 11], fused: true });
  const { analysis } = buildReport(run);
  assert.deepEqual(
    analysis.barriers.map(({ set, domain }) => `${set} ${domain}`),
    ["soup", "recycled", "fused"].flatMap((set) => [`${set} id-validation`, `${set} held-out`]),
  );
  const perSeed = [10, 11].map((seed) =>
    mean(run.cells.filter((cell) => cell.seed === seed).map((cell) => cell.diversity.find(({ set }) => set === "recycled")!.ratioError)),
  );
  close(analysis.diversity.find(({ set }) => set === "recycled")?.ratioError, mean(perSeed));
  const gaps = [10, 11].map((seed) =>
    mean(
      run.cells
        .filter((cell) => cell.seed === seed)
        .map(({ diversity }) => {
          const of = (name: string) => diversity.find(({ set }) => set === name)!.ratioError;
          return of("recycled") - of("soup");
        }),
    ),
  );
  close(analysis.diversityGap?.mean, mean(gaps));
  close(analysis.diversityGap?.sem, standardError(gaps)!);
  assert.deepEqual([analysis.diversityGap?.seeds, analysis.barriers[0]?.seeds], [2, 2]);
  const both = run.cells.map((cell) => ({
    members: mean(cell.members.filter(({ set }) => set === "recycled").map(({ accuracy }) => accuracy)),
    average: cell.averages.find(({ method }) => method === "recycling")!.accuracy,
  }));
  const { cells, average, members, gain } = analysis.aboveMemberMean;
  assert.equal(cells, 8);
  close(average ?? undefined, mean(both.map((each) => each.average)));
  close(members ?? undefined, mean(both.map((each) => each.members)));
  close(gain?.mean, mean(both.map((each) => each.average - each.members)));
  assert.deepEqual(analysis.calibration, []);
  assert.equal(analysis.validation.find(({ set }) => set === "fused")?.average, null);
});

test("calibration is the mean over the held-out domains of each seed, with an error over seeds, and has a table", () => {
  const run = syntheticRun({ seeds: [1, 2], heldOut: ["25°", "50°"] });
  const cells = run.cells.map((cell, i) => ({
    ...cell,
    averages: cell.averages.map((average) =>
      average.method === "recycling" ? { ...average, calibration: { ece: 0.01 * (i + 1), brier: 0.2 } } : average,
    ),
  }));
  const report = buildReport({ ...run, cells });
  const [only, ...others] = report.analysis.calibration;
  assert.deepEqual([only?.method, others], ["recycling", []]);
  // 1 and 2 points of one seed, 3 and 4 of the other.
  close(only?.ece.mean, 0.025);
  close(only?.ece.sem ?? undefined, 0.01);
  assert.match(renderHtml(report), /<th scope="row">recycling[^<]*<\/th><td>2\.5 <span class="sem">± 1\.0<\/span><\/td><td>0\.200/);
});

test("a report is JSON: nothing is lost on the way", () => {
  const report = buildReport(syntheticRun({ seeds: [10] }));
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
});
