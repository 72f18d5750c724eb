import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createArtifacts } from "#libs/artifacts";
import type { Report } from "#libs/reporting";
import { Code, codeName, connect, isRpcError } from "#libs/rpc";
import { parseRunFile } from "#libs/runfile";
import { RecyclingService, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { fetchReport } from "../../services/cli/commands/recycle/recycle.ts";
import { importSource, readSource } from "../../services/cli/import-source.ts";
import { root } from "../e2e/cli.ts";
import { digestsOf } from "../e2e/outputs.ts";
import { nameOf } from "./holdings.ts";

/** What a run made, by what it is, and what its client had to put up with. */
export type Recycled = {
  readonly digests: ReturnType<typeof digestsOf>;
  /** Errors that the client saw, and after which it did the same again. */
  readonly interruptions: readonly string[];
};

/** The example run with another seed, and changed as text. */
export async function runFileOf(seed: number, change: (text: string) => string = (text) => text) {
  const path = join(root, "examples/tiny.yaml");
  const text = (await readFile(path, "utf8")).replace("seeds: [1]", `seeds: [${seed}]`);
  return parseRunFile(change(text), { path });
}

/** A server that is gone for a moment, and a run that nobody drives at the moment. Everything else is an error of the run. */
const passing: readonly Code[] = [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED];

/**
 * Does what `ratatouille recycle` does, and the same again, as a person would, whenever the server is gone for a moment.
 * @throws Error if the run fails, or the reason of the signal.
 */
export async function recycle(
  address: string,
  { spec, dataPath }: Awaited<ReturnType<typeof runFileOf>>,
  { signal, onDone = () => {} }: { readonly signal: AbortSignal; readonly onDone?: (jobs: number) => void },
): Promise<Recycled> {
  const source = await readSource(dataPath);
  const interruptions: string[] = [];
  for (;;) {
    using channel = connect(address);
    try {
      const recycling = channel.client(RecyclingService);
      spec.target.source = await importSource(source, createArtifacts(channel), signal);
      const { run } = await recycling.startRun({ spec }, { signal });
      let state: RunState | undefined;
      let error = "";
      for await (const { run: seen } of recycling.watchRun({ id: run?.id ?? "" }, { signal, timeoutMs: 0 })) {
        state = seen?.state;
        error = seen?.error ?? "";
        onDone(seen?.stages.reduce((sum, { done }) => sum + done, 0) ?? 0);
      }
      if (state === RunState.FAILED || state === RunState.CANCELLED)
        throw new Error(`the run ended as ${nameOf(RunState, state)}: ${error}`);
      if (state === RunState.SUCCEEDED) {
        const report: Report = await fetchReport(run?.id ?? "", channel, signal);
        return { digests: digestsOf(report), interruptions };
      }
      interruptions.push(`the watch ended in the state ${nameOf(RunState, state ?? 0)}`);
    } catch (error) {
      signal.throwIfAborted();
      if (!isRpcError(error) || !passing.includes(error.code)) throw error;
      interruptions.push(`${codeName(error.code)}: ${error.message}`);
    }
    await sleep(100, undefined, { signal });
  }
}
