import { analyse } from "./analysis.ts";
import { pairedDifferences } from "./differences.ts";
import { type Method, methods as methodOrder } from "./methods.ts";
import type { Measurements, Report, Result, TableRow } from "./report.ts";
import { cellResults } from "./results.ts";
import { sentences } from "./sentences.ts";
import { warnings } from "./soundness.ts";
import { estimate, perSeedMeans } from "./statistics.ts";
import { sentence } from "./words.ts";

/**
 * The report of a run: what it measured and all that follows from it. A pure function; the same measurements in any order of cells
 * give the same report.
 */
export function buildReport(measurements: Measurements): Report {
  const { ratatouille, name, runId, startedAt, finishedAt, task, lineage, recipe, licences, timings, notes = [] } = measurements;
  const methods = methodOrder.filter((method) => task.methods.includes(method));
  const place = (domain: string) => task.heldOut.indexOf(domain);
  const cells = [...measurements.cells].sort((a, b) => a.seed - b.seed || place(a.heldOut) - place(b.heldOut));
  const results = cells.flatMap((cell) => cellResults(cell, methods));
  const facts: Omit<Report, "sentences" | "warnings"> = {
    version: 1,
    ratatouille,
    name,
    runId,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    task,
    cells,
    results,
    table: methods.flatMap((method) => tableRow(results, method, task.heldOut) ?? []),
    differences: pairedDifferences(results, methods, task.heldOut),
    analysis: analyse(cells, task.heldOut),
    lineage,
    recipe,
    licences,
    timings,
    notes,
  };
  const { texts, comparable } = warnings(facts);
  const warned = texts.map((text) => sentence(`warning: ${text}`));
  const said = sentences(facts, { compared: comparable, explained: warned.length === 0 });
  return { ...facts, warnings: warned, sentences: [...warned, ...said, ...notes.map((note) => sentence(`note: ${note}`))] };
}

function tableRow(results: readonly Result[], method: Method, domains: readonly string[]): TableRow | null {
  const values = results.filter((result) => result.method === method).map(({ accuracy, ...at }) => ({ ...at, value: accuracy }));
  if (values.length === 0) return null;
  const nothing = { mean: null, sem: null };
  const columns = domains.map((heldOut) => ({
    heldOut,
    ...(estimate(values.filter((value) => value.heldOut === heldOut).map((value) => value.value)) ?? nothing),
  }));
  return { method, columns, ...(estimate(perSeedMeans(values, domains)) ?? nothing) };
}
