import { setTimeout as sleep } from "node:timers/promises";
import { Code, isRpcError, type RpcChannel, unavailable } from "#libs/rpc";
import { RecyclingService, type Run, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Display } from "../../render/index.ts";
import { watchMissing } from "./missing.ts";

/** How long a server that is gone may take to come back. */
const PATIENCE_MS = 60_000;
const EVERY_MS = 500;

export type FollowOptions = {
  readonly channel: RpcChannel;
  readonly display: Display;
  readonly signal: AbortSignal;
  /** Whether the server ends with this command: then nobody waits for it. */
  readonly embedded: boolean;
};

/**
 * Shows a run until it has succeeded. A server that goes away is waited for, and the watch begins again; what the server lacks, its bus or
 * its trainers, is said meanwhile.
 * @throws Error with the run's own sentence if it failed or was cancelled; RpcError UNAVAILABLE if the server stays away.
 */
export async function follow(id: string, { channel, display, signal, embedded }: FollowOptions): Promise<Run> {
  const recycling = channel.client(RecyclingService);
  using missing = watchMissing({ channel, say: display.note, embedded, signal });
  const noted = new Set<string>();
  let goneSince: number | undefined;
  for (;;) {
    let last: Run | undefined;
    let problem: unknown;
    try {
      for await (const message of recycling.watchRun({ id }, { signal, timeoutMs: 0 })) {
        last = message.run;
        // A server that starts again takes up its runs a moment later.
        if (goneSince !== undefined && last?.state === RunState.INTERRUPTED) break;
        if (goneSince !== undefined) display.note(`${channel.address} answers again`);
        goneSince = undefined;
        missing.update(message);
        for (const note of message.run?.notes ?? []) {
          if (noted.has(note)) continue;
          noted.add(note);
          display.note(note);
        }
        display.update(message);
      }
    } catch (error) {
      if (embedded || signal.aborted || !isRpcError(error, Code.UNAVAILABLE)) throw error;
      problem = error;
    }
    const waits = problem !== undefined || (goneSince !== undefined && last?.state === RunState.INTERRUPTED);
    if (!waits) return ended(id, last);
    if (goneSince === undefined) display.note(`${channel.address} does not answer; waiting for it`);
    goneSince ??= performance.now();
    if (performance.now() - goneSince > PATIENCE_MS) throw problem ?? interrupted(id);
    await sleep(EVERY_MS, undefined, { signal });
  }
}

function ended(id: string, run: Run | undefined): Run {
  switch (run?.state) {
    case RunState.SUCCEEDED:
      return run;
    case RunState.FAILED:
      throw new Error(`the run failed: ${run.error}`);
    case RunState.CANCELLED:
      throw new Error("the run was cancelled");
    case RunState.INTERRUPTED:
      throw interrupted(id);
    default:
      throw unavailable("the server ended the watch before the run was finished");
  }
}

function interrupted(id: string): Error {
  return new Error(`nothing drives the run ${id}: it was interrupted; ratatouille recycle with its run file goes on with it`);
}
