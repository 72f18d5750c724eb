import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { connect, implement, serve } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { RunState, WatchRunResponseSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { watchMissing } from "./missing.ts";

test("a bus that is gone, and trainers that take nothing, are said once within ten seconds, and again when they are back", async () => {
  let problem = "";
  const of = (service: string) => ({ service, ready: true, checks: [{ name: "bus", problem }] });
  const system = implement(SystemService, { getSystem: () => ({ version: "1.0.0", processes: [of("catalog"), of("recycling")] }) });
  await using server = await serve({ address: "127.0.0.1:0", services: [system] });
  using channel = connect(server.address);
  const said: string[] = [];
  using missing = watchMissing({ channel, say: (text) => said.push(text), embedded: false, signal: new AbortController().signal });
  const seen = (running: number) =>
    create(WatchRunResponseSchema, { run: { state: RunState.RUNNING, stages: [{ total: 3, queued: 3 - running, running }] } });
  missing.update(seen(1));
  problem = "no connection to 127.0.0.1:4222";
  const within = { timeoutMs: 10_000, what: "a sentence" };
  await waitFor(() => said.length === 1, within);
  assert.deepEqual(said, ["bus is missing, says catalog: no connection to 127.0.0.1:4222"]);
  problem = "";
  await waitFor(() => said.length === 2, within);
  assert.equal(said[1], "bus: there again");
  missing.update(seen(0));
  await waitFor(() => said.length === 3, within);
  assert.equal(said[2], "3 jobs of this run wait and no trainer takes them; one more joins with: ratatouille trainer");
  missing.update(seen(1));
  await waitFor(() => said.length === 4, within);
  assert.equal(said[3], "trainers: there again");
});
