import { setTimeout as sleep } from "node:timers/promises";
import { isRpcError, type RpcChannel } from "#libs/rpc";
import { counted } from "#libs/text";
import { RunState, type WatchRunResponse } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type GetSystemResponse, SystemService } from "#proto/ratatouille/v1/system_pb.ts";

/** So often a server is asked what it lacks. */
const EVERY_MS = 2_000;
/** Work waits for a moment whenever a trainer goes from one job to the next. */
const IDLE_MS = 5_000;

/** Says what a system lacks while a run goes on, once when it is gone and once when it is back. */
export type Missing = {
  /** Takes in what is told of the run. */
  update(message: Pick<WatchRunResponse, "run" | "running">): void;
  [Symbol.dispose](): void;
};

export type MissingOptions = {
  readonly channel: RpcChannel;
  readonly say: (sentence: string) => void;
  /** An embedded system starts its trainers again itself, and fails where none starts. */
  readonly embedded: boolean;
  readonly signal: AbortSignal;
};

/** Begins to look, every two seconds, until it is disposed of or the signal aborts. */
export function watchMissing({ channel, say, embedded, signal }: MissingOptions): Missing {
  const stopper = new AbortController();
  const ended = AbortSignal.any([signal, stopper.signal]);
  const told = new Map<string, string>();
  let waiting = 0;
  let idleSince: number | undefined;

  /** Tells what is new and what is over. Keys are what is missing, values the sentences about it. */
  const tell = (found: ReadonlyMap<string, string>) => {
    for (const [what, sentence] of found) if (!told.has(what)) say(sentence);
    for (const what of told.keys()) if (!found.has(what)) say(`${what}: there again`);
    told.clear();
    for (const [what, sentence] of found) told.set(what, sentence);
  };
  const look = async () => {
    const system = await channel.client(SystemService).getSystem({}, { signal: ended, timeoutMs: EVERY_MS });
    const found = missingIn(system);
    if (idleSince !== undefined && performance.now() - idleSince > IDLE_MS)
      found.set(
        "trainers",
        `${counted(waiting, "job")} of this run wait and no trainer takes them; one more joins with: ratatouille trainer`,
      );
    tell(found);
  };
  const run = async () => {
    while (!ended.aborted) {
      await sleep(EVERY_MS, undefined, { signal: ended });
      // Whoever watches the run says that nothing answers.
      await look().catch((error: unknown) => {
        if (!isRpcError(error)) throw error;
      });
    }
  };
  if (!embedded) run().catch(() => undefined);
  return {
    update({ run: state, running }) {
      waiting = state?.stages.reduce((sum, { queued }) => sum + queued, 0) ?? 0;
      const busy = state?.stages.reduce((sum, stage) => sum + stage.running, 0) ?? 0;
      const idle = state?.state === RunState.RUNNING && waiting > 0 && busy === 0 && running.length === 0;
      idleSince = idle ? (idleSince ?? performance.now()) : undefined;
    },
    [Symbol.dispose]: () => stopper.abort(),
  };
}

/** What the processes of a system miss, by name; nothing where all is there. A bus that several miss is one thing. */
function missingIn({ processes }: Pick<GetSystemResponse, "processes">): Map<string, string> {
  const found = new Map<string, string>();
  for (const { service, problem, checks } of processes) {
    if (problem !== "") found.set(service, `${service} does not answer: ${problem}`);
    for (const check of checks)
      if (check.problem !== "" && !found.has(check.name))
        found.set(check.name, `${check.name} is missing, says ${service}: ${check.problem}`);
  }
  return found;
}
