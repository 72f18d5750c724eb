import { setTimeout as sleep } from "node:timers/promises";
import { type Implementation, invalidField, pageToken, parsePageSize, parsePageToken } from "#libs/rpc";
import { type RecyclingService, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { inMessages } from "./messages.ts";
import { type ReproductionContext, reproduce } from "./runs/reproduce.ts";
import type { Runs } from "./runs/runs.ts";

const WATCH_INTERVAL_MS = 250;
const CHUNK_BYTES = 1 << 20;

/** RecyclingService over the runs of this process. */
export function createRecyclingService(runs: Runs, reproduction: ReproductionContext): Implementation<typeof RecyclingService> {
  return {
    async startRun({ spec }) {
      if (!spec) throw invalidField("spec", "is missing", "SPECIFICATION_INVALID");
      return { run: await runs.start(spec) };
    },
    async getRun({ id }) {
      return { run: await runs.get(id) };
    },
    async listRuns({ pageSize, pageToken: token }) {
      const size = parsePageSize(pageSize);
      const page = await runs.list(size, parsePageToken("runs", token, "number"));
      const last = page.length === size ? page.at(-1) : undefined;
      return { runs: page.map(({ run }) => run), nextPageToken: pageToken("runs", last?.position) };
    },
    async *watchRun({ id }, { signal }) {
      const first = await runs.get(id);
      const active = runs.active(id);
      if (!active) {
        yield { run: first };
        return;
      }
      let told = 0;
      let withSpec = true;
      for (;;) {
        const seen = active.pulse.version;
        const { spec, ...current } = active.current();
        const run = { ...current, ...(spec && withSpec ? { spec } : {}) };
        const parts = inMessages(active.driver.ended.slice(told));
        const jobs = parts.pop() ?? [];
        for (const ended of parts) {
          // The last message says whether the run has ended.
          yield { run: { ...run, state: RunState.RUNNING }, ended };
          told += ended.length;
        }
        told += jobs.length;
        const remaining = active.remainingSeconds();
        withSpec = false;
        yield {
          run,
          running: active.driver.progress.running(),
          missing: active.driver.progress.missing(),
          ended: jobs,
          ...(remaining === undefined ? {} : { remainingSeconds: remaining }),
        };
        if (run.state !== RunState.RUNNING) return;
        await active.pulse.changed(seen, signal);
        await sleep(WATCH_INTERVAL_MS, undefined, { signal });
      }
    },
    async cancelRun({ id }) {
      return { run: await runs.cancel(id) };
    },
    async deleteRun({ id }, { signal }) {
      await runs.delete(id, signal);
      return {};
    },
    async *getReport({ id }, { signal }) {
      const report = await runs.report(id, signal);
      const bytes = new TextEncoder().encode(JSON.stringify(report));
      for (let start = 0; start < bytes.length; start += CHUNK_BYTES) yield { chunk: bytes.subarray(start, start + CHUNK_BYTES) };
    },
    async *reproduce({ digest }, { signal }) {
      const steps = reproduce(digest, reproduction, signal);
      try {
        for (;;) {
          const { done, value } = await steps.next();
          if (done) return yield { event: { case: "result", value: { ...value, metrics: [...value.metrics] } } };
          yield { event: { case: "progress", value } };
        }
      } finally {
        // A caller that leaves between two steps leaves no job behind.
        await steps.return({ expected: "", actual: "", same: false, recipe: "", approximate: false, metrics: [] });
      }
    },
  };
}
