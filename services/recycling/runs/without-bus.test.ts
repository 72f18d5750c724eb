import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { connectJetStream } from "#libs/bus";
import { connect, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { temporaryDirectory } from "#libs/testing";
import { streams } from "#libs/topics";
import { RecyclingService, RunSchema, RunState } from "#proto/ratatouille/v1/recycling_pb.ts";
import { createRecycling } from "../index.ts";
import { openRunStore } from "./store.ts";

/** Nobody listens there. */
const NOWHERE = "127.0.0.1:1";

test("a service that finds no bus at its start tells of its runs all the same", async () => {
  await using directory = await temporaryDirectory("recycling-");
  const log = createLogger({ service: "recycling", level: "silent" });
  {
    await using store = await openRunStore(directory.join("recycling.sqlite"));
    await store.begin(create(RunSchema, { id: "run-before", spec: { name: "before" }, state: RunState.RUNNING }));
  }
  await using bus = await connectJetStream({ servers: NOWHERE, streams });
  await using clients = connect(NOWHERE);
  await using service = await createRecycling({ directory: directory.path, bus, clients, log, resume: false });
  const stop = new AbortController();
  const running = service.run(stop.signal);
  {
    await using server = await serve({ address: "127.0.0.1:0", services: service.registrations, drainMs: 0 });
    await using channel = connect(server.address);
    const client = channel.client(RecyclingService);
    const found = (await client.getRun({ id: "run-before" })).run;
    assert.deepEqual([found?.spec?.name, found?.state], ["before", RunState.INTERRUPTED]);
    assert.deepEqual(
      (await client.listRuns({})).runs.map(({ id }) => id),
      ["run-before"],
    );
    await assert.rejects(bus.check(), /127\.0\.0\.1:1/);
    // The loops wait for the bus; none of them broke.
    assert.equal(await Promise.race([running.then(() => "ended"), client.listRuns({}).then(() => "running")]), "running");
  }
  stop.abort();
  await running;
});
