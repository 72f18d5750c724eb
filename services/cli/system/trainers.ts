import { closeSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { lastWords, readTail, saysReady, spawnScript, supervise } from "#libs/service";
import type { Logger } from "#libs/telemetry";

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
  /** Files that they need not bring to their own disk: the catalog's. */
  readonly dataRoot?: string;
  /** Takes what they write. */
  readonly logPath: string;
  readonly log: Logger;
  /** Another program in its place. */
  readonly script?: string;
};

/** The program of a trainer, with what makes it one. */
export const TRAINER_SCRIPT = fileURLToPath(new URL("../main.ts", import.meta.url));
const TRAINER_ARGUMENTS = ["trainer"];
/** How long a trainer may take to end when it is asked to. */
const GRACE_MS = 3_000;
/** A trainer that ran so long was healthy. */
const HEALTHY_MS = 30_000;
/** So often in a row a trainer may end before it takes work; then it is not going to. */
const MAX_FALSE_STARTS = 5;

/**
 * Starts trainers and starts again those that end by themselves, waiting longer each time. They end when this process ends, however that happens.
 */
export function startTrainers({ count, address, token, dataRoot, logPath, log, script = TRAINER_SCRIPT }: TrainersOptions): Trainers {
  mkdirSync(dirname(logPath), { recursive: true });
  const output = openSync(logPath, "a", 0o600);
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
  const trainers = names.map((name) => {
    let size = 0;
    return supervise({
      name,
      graceMs: GRACE_MS,
      spawn() {
        ({ size } = fstatSync(output));
        return spawnScript(script, TRAINER_ARGUMENTS, {
          env: {
            ...{ RATATOUILLE_SERVER: address, RATATOUILLE_TRAINER_NAME: name, RATATOUILLE_TOKEN: token },
            ...(dataRoot === undefined ? {} : { RATATOUILLE_DATA_ROOT: dataRoot }),
          },
          stdio: ["pipe", output, output],
        });
      },
      async onEnd({ reason, livedMs }) {
        log.warn({ trainer: name, reason }, "a trainer ended by itself; another one takes its place");
        judge(name, reason, await readTail(logPath, size).catch(() => ""), livedMs);
        return livedMs > HEALTHY_MS;
      },
    });
  });
  return {
    broken: broken.promise,
    list: () => trainers.flatMap(({ name, pid, restarts }) => (pid ? [{ name, pid, restarts }] : [])),
    async [Symbol.asyncDispose]() {
      await Promise.all(trainers.map((trainer) => trainer.stop()));
      closeSync(output);
    },
  };
}
