import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { signalChild } from "./runtime.ts";

/** How a program is kept running. */
export type SuperviseOptions = {
  readonly name: string;
  readonly spawn: () => ChildProcess;
  /** How long it may take to end when it is asked to; 5 s by default. */
  readonly graceMs?: number;
  /**
   * Hears that it ended by itself, and why, before it is started again. True means that it had worked: the pause before the next start is
   * a first one. By default that is so after half a minute.
   */
  readonly onEnd?: (end: { readonly reason: string; readonly livedMs: number }) => boolean | Promise<boolean>;
};

/** A program that is kept running until it is stopped. Disposing of it stops it. */
export type Supervised = AsyncDisposable & {
  readonly name: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** How often it was started again after it had ended by itself. */
  readonly restarts: number;
  /** Sends a signal, SIGKILL unless told otherwise. If it ends it is started again. */
  kill(signal?: NodeJS.Signals): void;
  /** Asks it to end, makes it end when the grace period is over, and leaves it so. */
  stop(): Promise<void>;
  /** Starts it if it was stopped. */
  start(): void;
};

const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 10_000;
/** A program that ran so long was healthy. */
const HEALTHY_MS = 30_000;
const GRACE_MS = 5_000;

/**
 * Starts a program and starts it again whenever it ends by itself, waiting longer each time.
 * @example
 * ```ts
 * import { spawn } from "node:child_process";
 * import { waitFor } from "#libs/testing";
 * await using program = supervise({ name: "sleeper", spawn: () => spawn("sleep", ["60"]) });
 * const first = await waitFor(() => program.pid);
 * program.kill();
 * await waitFor(() => program.restarts === 1 && program.pid !== undefined && program.pid !== first); // true
 * ```
 */
export function supervise({
  name,
  spawn,
  graceMs = GRACE_MS,
  onEnd = ({ livedMs }) => livedMs > HEALTHY_MS,
}: SuperviseOptions): Supervised {
  let child: ChildProcess | undefined;
  let restarts = 0;
  let life: { readonly stopper: AbortController; readonly over: Promise<void> } | undefined;

  const live = async (signal: AbortSignal) => {
    for (let waitMs = FIRST_RESTART_MS; ; waitMs = Math.min(2 * waitMs, LAST_RESTART_MS)) {
      const began = performance.now();
      child = spawn();
      const reason = await ended(child);
      child = undefined;
      if (signal.aborted) return;
      if (await onEnd({ reason, livedMs: performance.now() - began })) waitMs = FIRST_RESTART_MS;
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      restarts += 1;
    }
  };
  const start = () => {
    if (life !== undefined) return;
    const stopper = new AbortController();
    life = { stopper, over: live(stopper.signal) };
  };
  const kill = (signal: NodeJS.Signals = "SIGKILL") => {
    if (child !== undefined) signalChild(child, signal);
  };
  const stop = async () => {
    if (life === undefined) return;
    life.stopper.abort();
    kill("SIGTERM");
    const killer = setTimeout(() => kill("SIGKILL"), graceMs);
    await life.over.finally(() => clearTimeout(killer));
    life = undefined;
  };
  start();
  return {
    name,
    get pid() {
      return child?.pid;
    },
    get restarts() {
      return restarts;
    },
    kill,
    stop,
    start,
    [Symbol.asyncDispose]: stop,
  };
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", (error) => resolve(error.message));
  });
}
