import { setTimeout as sleep } from "node:timers/promises";
import { isRpcError, type RpcChannel } from "#libs/rpc";
import { RunState, type WatchRunResponse } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type GetSystemResponse, SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { missingSentence } from "../../render/index.ts";

/** So often a server is asked what it lacks. */
const EVERY_MS = 2_000;
/** What is said of a system of this process that has just been started, until its trainers are there; it fails where none starts. */
const STARTING = "no trainer runs";

/** Says what a system lacks while a run goes on, once when it is gone and once when it is back. */
export type Missing = {
  /** Takes in what is told of the run. */
  update(message: Pick<WatchRunResponse, "run" | "missing">): void;
  [Symbol.dispose](): void;
};

export type MissingOptions = {
  readonly channel: RpcChannel;
  readonly say: (sentence: string) => void;
  /** An embedded system has no other programs than its trainers, which it starts again itself. */
  readonly embedded: boolean;
  readonly signal: AbortSignal;
};

/** Begins to look, every two seconds, until it is disposed of or the signal aborts. */
export function watchMissing({ channel, say, embedded, signal }: MissingOptions): Missing {
  const advice = embedded
    ? "ratatouille doctor says what is here and how to get what is missing"
    : `one that can run them joins with: ratatouille trainer --server ${channel.address}`;
  const stopper = new AbortController();
  const ended = AbortSignal.any([signal, stopper.signal]);
  const programs = createTold(say, (what) => `${what}: there again`);
  const trainers = createTold(say, (what) => `no more: ${what}`);
  const look = async () => {
    programs.tell(missingIn(await channel.client(SystemService).getSystem({}, { signal: ended, timeoutMs: EVERY_MS })));
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
    update({ run: state, missing }) {
      // A run that has ended waits for nobody.
      if (state?.state !== RunState.RUNNING) return;
      const lacking = missing.filter(({ what }) => !embedded || what !== STARTING);
      trainers.tell(new Map(lacking.map((one) => [one.what, `${missingSentence(one)}; ${advice}`])));
    },
    [Symbol.dispose]: () => stopper.abort(),
  };
}

/** Tells of each thing once that it is missing, and once that it is not any more. */
function createTold(say: (sentence: string) => void, over: (what: string) => string) {
  let told: ReadonlyMap<string, string> = new Map();
  return {
    /** Keys are what is missing, values the sentences about it. */
    tell(found: ReadonlyMap<string, string>): void {
      for (const [what, sentence] of found) if (!told.has(what)) say(sentence);
      for (const what of told.keys()) if (!found.has(what)) say(over(what));
      told = found;
    },
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
