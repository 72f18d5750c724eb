import { setTimeout as sleep } from "node:timers/promises";
import { clone } from "@bufbuild/protobuf";
import { failedPrecondition, type Implementation, invalidArgument, notFound } from "#libs/rpc";
import { type RecyclingService, type Run, RunSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import type { Executors } from "./executors.ts";
import { reproduce } from "./reproduce.ts";
import type { Runs } from "./runs.ts";

const WATCH_INTERVAL_MS = 250;
const CHUNK_BYTES = 1 << 20;
const DEFAULT_PAGE = 100;
const LARGEST_PAGE = 500;

/** RecyclingService over the runs of this process. */
export function createRecyclingService(runs: Runs, executors: Executors): Implementation<typeof RecyclingService> {
  const known = async (id: string): Promise<Run> => {
    const run = await runs.get(id);
    if (!run) throw notFound(`there is no run ${id}`, { reason: "RUN_UNKNOWN" });
    return run;
  };
  return {
    async startRun({ spec }) {
      if (!spec) throw invalidArgument("spec is missing", { violations: [{ field: "spec", description: "required" }] });
      return { run: await runs.start(spec) };
    },
    async getRun({ id }) {
      return { run: await known(id) };
    },
    async listRuns({ pageSize, pageToken }) {
      const size = Math.min(pageSize > 0 ? pageSize : DEFAULT_PAGE, LARGEST_PAGE);
      if (pageToken !== "" && !/^\d+$/.test(pageToken)) {
        throw invalidArgument(`page_token ${pageToken} is not one`, {
          violations: [{ field: "page_token", description: "a token of an earlier page" }],
        });
      }
      const page = await runs.list(size, pageToken === "" ? undefined : Number(pageToken));
      const last = page.at(-1);
      return { runs: page.map(({ run }) => run), nextPageToken: page.length === size && last ? String(last.position) : "" };
    },
    async *watchRun({ id }, { signal }) {
      const first = await known(id);
      const active = runs.active(id);
      if (!active) {
        yield { run: first };
        return;
      }
      let told = 0;
      let withSpec = true;
      for (;;) {
        const seen = active.pulse.version;
        const run = clone(RunSchema, active.current());
        const jobs = active.driver.ended.slice(told);
        told += jobs.length;
        const remaining = active.remainingSeconds();
        if (!withSpec) delete run.spec;
        withSpec = false;
        yield {
          run,
          running: active.driver.progress.running(),
          ended: jobs,
          ...(remaining === undefined ? {} : { remainingSeconds: remaining }),
        };
        if (run.state !== RunState.RUNNING) return;
        await active.pulse.changed(seen, signal);
        await sleep(WATCH_INTERVAL_MS, undefined, { signal });
      }
    },
    async cancelRun({ id }) {
      const run = await known(id);
      if (run.state === RunState.SUCCEEDED || run.state === RunState.FAILED) {
        throw failedPrecondition(`run ${id} has ended already`, { reason: "RUN_FINISHED" });
      }
      return { run: await runs.cancel(id) };
    },
    async *getReport({ id }) {
      const { state } = await known(id);
      const report = await runs.report(id);
      if (!report) {
        throw failedPrecondition(`run ${id} has no report: it is ${stateName(state)}`, {
          reason: "RUN_NOT_FINISHED",
        });
      }
      const bytes = new TextEncoder().encode(JSON.stringify(report));
      for (let start = 0; start < bytes.length; start += CHUNK_BYTES) yield { chunk: bytes.subarray(start, start + CHUNK_BYTES) };
    },
    async *reproduce({ digest }, { signal }) {
      const steps = reproduce(digest, executors, signal);
      for (;;) {
        const { done, value } = await steps.next();
        if (done) {
          yield { event: { case: "result", value } };
          return;
        }
        yield { event: { case: "progress", value } };
      }
    },
  };
}

function stateName(state: RunState): string {
  const [name] = Object.entries(RunState).find(([, value]) => value === state) ?? ["unknown"];
  return name.toLowerCase();
}
