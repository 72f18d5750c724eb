import type { ChildProcess } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { signalChild, spawnScript } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { lastWords, readTail, saysReady } from "./trainer-log.ts";

/** Trainers that are child processes of this one. */
export type Trainers = AsyncDisposable & {
  /** Those that run now. */
  list(): { readonly name: string; readonly pid: number; readonly restarts: number }[];
  /** Rejects when no trainer gets as far as taking work, with a sentence that says why. Never resolves. */
  readonly broken: Promise<never>;
};

export type TrainersOptions = {
  readonly count: number;
  /** Where their services are. */
  readonly address: string;
  readonly token?: string | undefined;
  /** Takes what they write. */
  readonly logPath: string;
  readonly log: Logger;
  /** The program. */
  readonly script?: string;
};

/** The program of a trainer. */
export const TRAINER_SCRIPT = fileURLToPath(new URL("../../trainer/main.ts", import.meta.url));
/** How long a trainer may take to end when it is asked to. */
const GRACE_MS = 3_000;
const FIRST_RESTART_MS = 200;
const LAST_RESTART_MS = 10_000;
/** A trainer that ran so long was healthy: the next restart is a first one. */
const HEALTHY_MS = 30_000;
/** So often in a row a trainer may end before it takes work; then it is not going to. */
const MAX_FALSE_STARTS = 5;

/**
 * Starts trainers and starts again those that end by themselves, waiting longer each time. They end when this process ends, however that happens.
 */
export function startTrainers({ count, address, token, logPath, log, script = TRAINER_SCRIPT }: TrainersOptions): Trainers {
  mkdirSync(dirname(logPath), { recursive: true });
  const output = openSync(logPath, "a", 0o600);
  const stopper = new AbortController();
  const running = new Map<string, { child: ChildProcess; restarts: number }>();
  const names = Array.from({ length: count }, (_, i) => `trainer-${i + 1}`);
  const falseStarts = new Map<string, number>();
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);

  /** Counts the starts that failed, and gives up when they are too many for every trainer: as long as one works, work goes on. */
  const judge = (name: string, reason: string, written: string, livedMs: number) => {
    const failed = livedMs > HEALTHY_MS || saysReady(written, name) ? 0 : (falseStarts.get(name) ?? 0) + 1;
    falseStarts.set(name, failed);
    if (failed === 0 || names.some((other) => (falseStarts.get(other) ?? 0) < MAX_FALSE_STARTS)) return;
    const words = lastWords(written);
    broken.reject(
      new Error(
        `no trainer can start: ${name} ended ${failed} times before it was ready, at last with ${reason}${words && ` and the words "${words}"`}; the log is ${logPath}`,
      ),
    );
  };
  const supervise = async (name: string) => {
    let waitMs = FIRST_RESTART_MS;
    for (let restarts = 0; !stopper.signal.aborted; restarts += 1) {
      const began = performance.now();
      const { size } = fstatSync(output);
      const child = spawnScript(script, [], {
        env: { RATATOUILLE_SERVER: address, RATATOUILLE_TRAINER_NAME: name, RATATOUILLE_TOKEN: token },
        stdio: ["pipe", output, output],
      });
      running.set(name, { child, restarts });
      const reason = await ended(child);
      running.delete(name);
      if (stopper.signal.aborted) return;
      log.warn({ trainer: name, reason }, "a trainer ended by itself; another one takes its place");
      const livedMs = performance.now() - began;
      judge(name, reason, await readTail(logPath, size).catch(() => ""), livedMs);
      if (livedMs > HEALTHY_MS) waitMs = FIRST_RESTART_MS;
      await sleep(waitMs, undefined, { signal: stopper.signal }).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, LAST_RESTART_MS);
    }
  };
  const supervised = names.map((name) => supervise(name));
  return {
    broken: broken.promise,
    list: () => [...running].flatMap(([name, { child, restarts }]) => (child.pid ? [{ name, pid: child.pid, restarts }] : [])),
    async [Symbol.asyncDispose]() {
      stopper.abort();
      for (const { child } of running.values()) signalChild(child, "SIGTERM");
      const killer = setTimeout(() => {
        for (const { child } of running.values()) signalChild(child, "SIGKILL");
      }, GRACE_MS);
      await Promise.all(supervised);
      clearTimeout(killer);
      closeSync(output);
    },
  };
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
}
