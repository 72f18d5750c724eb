import { performance } from "node:perf_hooks";
import { within } from "#libs/concurrency";
import { type Bench, NotStarted } from "./bench.ts";
import type { Check } from "./check.ts";
import { announces } from "./checks/announces.ts";
import { cancels } from "./checks/cancels.ts";
import { cuts } from "./checks/cuts.ts";
import { disk } from "./checks/disk.ts";
import { drains } from "./checks/drains.ts";
import { gone } from "./checks/gone.ts";
import { lies } from "./checks/lies.ts";
import { poison } from "./checks/poison.ts";
import { resume } from "./checks/resume.ts";
import { run } from "./checks/run.ts";
import { stale } from "./checks/stale.ts";
import { two } from "./checks/two.ts";

/** All checks. First those that leave the trainer as it was: it has to start as seldom as possible. */
export const checks: readonly Check[] = [announces, run, cancels, poison, lies, cuts, gone, stale, two, resume, drains, disk];

/** How a check went: a sentence, or what went wrong and what the trainer said last. */
export type Outcome = { readonly name: string; readonly ms: number } & (
  | { readonly passed: true; readonly said: string }
  | { readonly passed: false; readonly problem: string; readonly lastLines: readonly string[] }
);

/** Lines of a trainer that failed a check. */
const LAST_LINES = 15;

/** Runs checks one after another. A trainer that failed one is killed, so that it does not spoil the next; where none starts, that is the last. */
export async function* runChecks(bench: Bench, chosen: readonly Check[], signal: AbortSignal): AsyncGenerator<Outcome, void, undefined> {
  for (const { name, limitMs, run } of chosen) {
    const began = performance.now();
    const ms = () => performance.now() - began;
    try {
      signal.throwIfAborted();
      const said = await within(limitMs, Promise.race([run(bench), rejection(signal)]));
      if (said === undefined) throw new Error(`it took longer than ${limitMs / 1000} s`);
      await bench.tidy();
      yield { name, ms: ms(), passed: true, said };
    } catch (error) {
      const lastLines = bench.lastLines(LAST_LINES);
      await bench.dismiss();
      await bench.tidy().catch(() => undefined);
      yield { name, ms: ms(), passed: false, problem: problemOf(error), lastLines };
      if (signal.aborted || error instanceof NotStarted) return;
    }
  }
}

/** What an error and its causes say. */
export function problemOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}; ${problemOf(error.cause)}`;
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
}
