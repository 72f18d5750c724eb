import type { MessageInitShape } from "@bufbuild/protobuf";
import { allPages, type Clients, internal } from "#libs/rpc/portable";
import { RecyclingService, type Run, type RunSpecSchema, type WatchRunResponse } from "#proto/ratatouille/v1/recycling_pb.ts";

const IDLE_TIMEOUT_MS = 120_000;

/** What to recycle, onto what, and what to compare it with, as RunSpec of the protocol has it. */
export type RunSpecification = MessageInitShape<typeof RunSpecSchema>;

type Signal = { readonly signal?: AbortSignal | undefined };

/** Runs of a server. */
export type Runs = {
  /** Starts a run, or goes on with it; equal specifications are one run. @throws RpcError as RecyclingService.StartRun has it */
  start(specification: RunSpecification, options?: Signal): Promise<Run>;
  /** @throws RpcError NOT_FOUND */
  get(id: string, options?: Signal): Promise<Run>;
  /** The newest first. */
  list(options?: Signal): AsyncIterable<Run>;
  /** The state now and after each change, until the run has ended. */
  watch(id: string, options?: Signal): AsyncIterable<WatchRunResponse>;
  cancel(id: string, options?: Signal): Promise<Run>;
  /** The report of a run that succeeded. Its `version` counts its forms. @throws RpcError FAILED_PRECONDITION (RUN_NOT_FINISHED) */
  report(id: string, options?: Signal): Promise<{ readonly version: number; readonly [name: string]: unknown }>;
};

/** The runs of a server, over any transport. */
export function runsOf(clients: Clients): Runs {
  const recycling = clients.client(RecyclingService);
  return {
    start: async (spec, { signal } = {}) => present((await recycling.startRun({ spec }, { signal })).run),
    get: async (id, { signal } = {}) => present((await recycling.getRun({ id }, { signal })).run),
    async *list({ signal } = {}) {
      for await (const { runs } of allPages((pageToken) => recycling.listRuns({ pageToken }, { signal }))) yield* runs;
    },
    watch: (id, { signal } = {}) => recycling.watchRun({ id }, { signal, timeoutMs: 0 }),
    cancel: async (id, { signal } = {}) => present((await recycling.cancelRun({ id }, { signal })).run),
    async report(id, { signal } = {}) {
      const decoder = new TextDecoder();
      let text = "";
      for await (const { chunk } of recycling.getReport({ id }, { signal, timeoutMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS }))
        text += decoder.decode(chunk, { stream: true });
      return JSON.parse(text + decoder.decode());
    },
  };
}

function present(run: Run | undefined): Run {
  if (run === undefined) throw internal("the server answered without a run");
  return run;
}
