import { mkdir } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import { temporaryDirectory } from "#libs/testing";
import type { Case } from "./case.ts";
import { clockJumps } from "./clocks.ts";
import { connections } from "./connections.ts";
import { meddledEvents } from "./events.ts";
import { fullDisk } from "./full-disk.ts";
import { killEmbedded } from "./kill-embedded.ts";
import { kills } from "./kills.ts";
import { natsOutages } from "./nats.ts";
import { createReference, type Reference } from "./reference.ts";
import type { Report } from "./report.ts";
import { stoppedTrainer } from "./stopped-trainer.ts";
import { twoRecyclings } from "./two-recyclings.ts";

/** With what NATS has stored, and with nothing. */
function briefly(downMs: number) {
  return [false, true].map((emptyStore) => ({ downMs, emptyStore }));
}

/** All cases, and the seed of their random moments unless another one is asked for. */
export const suite: { readonly seed: number; readonly cases: readonly Case[] } = {
  seed: 6,
  cases: [
    kills("kills", 2, { part: 0, subset: true, limitMs: 300_000 }),
    ...[1, 2, 3, 4].map((part) => kills(`kills-${part}`, 12, { part, subset: false, limitMs: 600_000 })),
    natsOutages("nats-restarts", briefly(1_000), { subset: true, limitMs: 300_000 }),
    natsOutages("more-nats-restarts", [...briefly(100), ...briefly(5_000), ...briefly(2_000)], { subset: false, limitMs: 420_000 }),
    natsOutages("nats-gone-for-a-minute", [{ downMs: 60_000, emptyStore: false }], { subset: false, limitMs: 300_000 }),
    stoppedTrainer,
    connections("connections", 2, { subset: true, limitMs: 300_000 }),
    connections("more-connections", 6, { subset: false, limitMs: 420_000 }),
    fullDisk,
    twoRecyclings,
    clockJumps,
    meddledEvents("events", 2, { subset: true, limitMs: 300_000 }),
    meddledEvents("more-events", 6, { subset: false, limitMs: 420_000 }),
    killEmbedded("kill-embedded", 6, { subset: false, limitMs: 420_000 }),
  ],
};

/** Runs cases one after the other; the undisturbed runs that they are compared with are made once. */
export async function runCases(
  cases: readonly Case[],
  { seed, signal, report, keep }: { readonly seed: number; readonly signal: AbortSignal; readonly report: Report; readonly keep: boolean },
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const directory = await temporaryDirectory("ratatouille-faults-");
  if (!keep) stack.use(directory);
  const references = new Map<unknown, Reference>();
  const reference = (change?: (text: string) => string): Reference => {
    const known = references.get(change);
    if (known) return known;
    const made = stack.use(createReference(directory.join(`reference-${references.size}`), signal, change));
    references.set(change, made);
    return made;
  };
  for (const each of cases) {
    const began = performance.now();
    const own = directory.join(each.name);
    await mkdir(own);
    const limit = new AbortController();
    const stop = () => limit.abort(signal.reason);
    signal.addEventListener("abort", stop);
    const timer = setTimeout(() => limit.abort(new Error(`it took longer than ${each.limitMs / 1000} s`)), each.limitMs);
    try {
      signal.throwIfAborted();
      const sentence = await each.run({ seed, directory: own, signal: limit.signal, reference, killed: report.killed });
      report.passed(each, seed, performance.now() - began, sentence);
    } catch (error) {
      report.failed(each, seed, performance.now() - began, error, keep ? own : undefined);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  }
}
