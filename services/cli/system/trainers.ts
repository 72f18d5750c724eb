import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { spawnScript } from "#libs/service";
import type { Logger } from "#libs/telemetry";

/** Trainers that are child processes of this one. */
export type Trainers = AsyncDisposable & {
  /** Those that run now. */
  list(): { readonly name: string; readonly pid: number; readonly restarts: number }[];
};

const SCRIPT = fileURLToPath(new URL("../../trainer/main.ts", import.meta.url));
/** How long a trainer may take to end when it is asked to. */
const GRACE_MS = 3_000;
const FIRST_RESTART_MS = 200;
const LAST_RESTART_MS = 10_000;
/** A trainer that ran so long was healthy: the next restart is a first one. */
const HEALTHY_MS = 30_000;

/**
 * Starts trainers and starts again those that end by themselves, waiting longer each time. They end when this process ends, however that happens.
 * @param address where their services are. @param output file descriptor that takes what they write.
 */
export function startTrainers({
  count,
  address,
  token,
  output,
  log,
}: {
  readonly count: number;
  readonly address: string;
  readonly token?: string | undefined;
  readonly output: number;
  readonly log: Logger;
}): Trainers {
  const stopper = new AbortController();
  const running = new Map<string, { child: ChildProcess; restarts: number }>();
  const supervise = async (name: string) => {
    let waitMs = FIRST_RESTART_MS;
    for (let restarts = 0; !stopper.signal.aborted; restarts += 1) {
      const began = performance.now();
      const child = spawnScript(SCRIPT, [], {
        env: { RATATOUILLE_SERVER: address, RATATOUILLE_TRAINER_NAME: name, RATATOUILLE_TOKEN: token, RATATOUILLE_PARENT_PIPE: "1" },
        stdio: ["pipe", output, output],
      });
      running.set(name, { child, restarts });
      const reason = await ended(child);
      running.delete(name);
      if (stopper.signal.aborted) return;
      log.warn({ trainer: name, reason }, "a trainer ended by itself; another one takes its place");
      if (performance.now() - began > HEALTHY_MS) waitMs = FIRST_RESTART_MS;
      await sleep(waitMs, undefined, { signal: stopper.signal }).catch(() => undefined);
      waitMs = Math.min(2 * waitMs, LAST_RESTART_MS);
    }
  };
  const supervised = Array.from({ length: count }, (_, i) => supervise(`trainer-${i + 1}`));
  return {
    list: () => [...running].flatMap(([name, { child, restarts }]) => (child.pid ? [{ name, pid: child.pid, restarts }] : [])),
    async [Symbol.asyncDispose]() {
      stopper.abort();
      for (const { child } of running.values()) child.kill("SIGTERM");
      const killer = setTimeout(() => {
        for (const { child } of running.values()) child.kill("SIGKILL");
      }, GRACE_MS);
      await Promise.all(supervised);
      clearTimeout(killer);
    },
  };
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
}
