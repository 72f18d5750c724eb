import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Report } from "#libs/reporting";
import { succeedHere } from "./here.ts";

/** The report that a run has written. */
export async function readReport(out: string): Promise<Report> {
  return JSON.parse(await readFile(join(out, "report.json"), "utf8")) as Report;
}

/** Every model and every accuracy of a report, by what they are: equal for two runs that have done the same. */
export function digestsOf({ cells, results }: Report): { readonly [what: string]: string | number } {
  const models = cells.flatMap(({ seed, heldOut, members, averages }) => [
    ...members.map(({ set, index, model }) => [`seed ${seed}, ${heldOut}, ${set} ${index}`, model]),
    ...averages.flatMap(({ method, model }) => (model ? [[`seed ${seed}, ${heldOut}, ${method}`, model]] : [])),
  ]);
  const accuracies = results.map(({ method, heldOut, seed, accuracy }) => [`accuracy of ${method}, seed ${seed}, ${heldOut}`, accuracy]);
  return Object.fromEntries([...models, ...accuracies]);
}

/** What the reports of tiny.yaml name: SHA-256 of the lines. */
const TINY_REPORT = "81778122f1daac70e2b9d06a7a0eff6c5e5bba59ffa6218abce82b28ece44010";

/** That the report of a run of tiny.yaml names the models and accuracies that every version has made, on every runtime. */
export async function assertTinyReport(out: string): Promise<void> {
  assertLines(linesOf(digestsOf(await readReport(out))), TINY_REPORT);
}

/** All that a run of tiny.yaml makes, in the report and in the catalog: SHA-256 of the lines. */
const TINY_RUN = "6c5cd2e8eb827a2bcde70102bc56e67b2c9cd853f8fe4817b919019b4f504d53";

/** That a run of tiny.yaml has made what every version makes: what the report names, and what only the catalog knows. */
export async function assertTinyRun({ data, out }: { readonly data: string; readonly out: string }): Promise<void> {
  assertLines([...linesOf(digestsOf(await readReport(out))), ...(await modelsIn(data))], TINY_RUN);
}

/** A line for each model and accuracy. */
function linesOf(digests: ReturnType<typeof digestsOf>): string[] {
  return Object.entries(digests).map(([what, value]) => `${what}: ${value}`);
}

/** That lines, in whatever order, have a digest. Without it all of them are shown. */
function assertLines(lines: readonly string[], expected: string): void {
  const text = lines.toSorted().join("\n");
  assert.equal(createHash("sha256").update(`${text}\n`).digest("hex"), expected, `all that was made:\n${text}`);
}

/** Digests of all models in a data directory, in order. */
async function modelsIn(data: string): Promise<string[]> {
  const models = JSON.parse(await succeedHere(["models", "list", "--all", "--json", "--data", data])) as { digest: string }[];
  return models.map(({ digest }) => digest).sort();
}

/** An event of `recycle --json`. */
export type RunEvent = {
  readonly event: "starting" | "job" | "progress" | "report";
  readonly label?: string;
  readonly state?: string;
  readonly stages?: readonly { name: string; total: number; done: number; cached: number; failed: number }[];
  readonly results?: Report["results"];
  readonly processes?: Report["timings"]["processes"];
  readonly out?: string;
};

/** The events that a command has printed. */
export function eventsOf(stdout: string): RunEvent[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RunEvent);
}

/** The sum of a count over the stages of a progress event. */
export function countOf(event: RunEvent | undefined, count: "total" | "done" | "cached" | "failed"): number {
  return event?.stages?.reduce((sum, stage) => sum + stage[count], 0) ?? 0;
}
