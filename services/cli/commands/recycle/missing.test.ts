import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { connect, implement, serve } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { RunState, WatchRunResponseSchema } from "#proto/ratatouille/v1/recycling_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { watchMissing } from "./missing.ts";

test("a bus that is gone, and what no trainer has, are said once within ten seconds, and again when they are there", async () => {
  let problem = "";
  const of = (service: string) => ({ service, ready: true, checks: [{ name: "bus", problem }] });
  const system = implement(SystemService, { getSystem: () => ({ version: "1.0.0", processes: [of("catalog"), of("recycling")] }) });
  await using server = await serve({ address: "127.0.0.1:0", services: [system] });
  using channel = connect(server.address);
  const said: string[] = [];
  using missing = watchMissing({ channel, say: (text) => said.push(text), embedded: false, signal: new AbortController().signal });
  const seen = (...waiting: { what: string; jobs: number }[]) =>
    create(WatchRunResponseSchema, { run: { state: RunState.RUNNING }, missing: waiting });
  missing.update(seen());
  problem = "no connection to 127.0.0.1:4222";
  const within = { timeoutMs: 10_000, what: "a sentence" };
  await waitFor(() => said.length === 1, within);
  assert.deepEqual(said, ["bus is missing, says catalog: no connection to 127.0.0.1:4222"]);
  problem = "";
  await waitFor(() => said.length === 2, within);
  assert.equal(said[1], "bus: there again");
  const joins = `one that can run them joins with: ratatouille trainer --server ${server.address}`;
  missing.update(seen({ what: "no trainer runs", jobs: 3 }));
  missing.update(seen({ what: "no trainer runs", jobs: 2 }));
  missing.update(seen({ what: "no trainer has the network resnet18", jobs: 1 }));
  missing.update(create(WatchRunResponseSchema, { run: { state: RunState.CANCELLED } }));
  assert.deepEqual(said.slice(2), [
    `3 jobs wait: no trainer runs; ${joins}`,
    `1 job waits: no trainer has the network resnet18; ${joins}`,
    "no more: no trainer runs",
  ]);
});

test("the trainers of a system that was started for a run are on their way, and not missed", async () => {
  const said: string[] = [];
  using channel = connect("127.0.0.1:1");
  using missing = watchMissing({ channel, say: (text) => said.push(text), embedded: true, signal: new AbortController().signal });
  for (const what of ["no trainer runs", "no trainer with a GPU"])
    missing.update(create(WatchRunResponseSchema, { run: { state: RunState.RUNNING }, missing: [{ what, jobs: 1 }] }));
  assert.deepEqual(said, ["1 job waits: no trainer with a GPU; ratatouille doctor says what is here and how to get what is missing"]);
});
