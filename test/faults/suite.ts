import { mkdir } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { temporaryDirectory } from "#libs/testing";
import type { Case } from "./case.ts";
import { killEmbedded } from "./kill-embedded.ts";
import { createReference, type Reference } from "./reference.ts";
import type { Report } from "./report.ts";

/** All cases, and the seed of their random moments unless another one is asked for. */
export const suite: { readonly seed: number; readonly cases: readonly Case[] } = {
  seed: 6,
  cases: [killEmbedded("kill-embedded", 6, { subset: true, limitMs: 180_000 })],
};

/** Runs cases one after the other; the undisturbed runs that they are compared with are made once. */
export async function runCases(
  cases: readonly Case[],
  { seed, signal, report }: { readonly seed: number; readonly signal: AbortSignal; readonly report: Report },
): Promise<void> {
  await using directory = await temporaryDirectory("ratatouille-faults-");
  await using stack = new AsyncDisposableStack();
  const references = new Map<unknown, Reference>();
  const reference = (change?: (text: string) => string): Reference => {
    const known = references.get(change);
    if (known) return known;
    const made = stack.use(createReference(directory.join(`reference-${references.size}`), signal, change));
    references.set(change, made);
    return made;
  };
  for (const each of cases) {
    if (signal.aborted) break;
    const began = performance.now();
    const own = directory.join(each.name);
    await mkdir(own);
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(each.limitMs)]);
      const sentence = await each.run({ seed, directory: own, signal: limit, reference, killed: report.killed });
      report.passed(each, seed, performance.now() - began, sentence);
    } catch (error) {
      report.failed(each, seed, performance.now() - began, error);
    }
  }
}
