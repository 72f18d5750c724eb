import assert from "node:assert/strict";
import { test } from "node:test";
import { connectRemoteBus } from "#libs/bus";
import { connect } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { FinetuneService, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { startHeartbeat } from "../../services/trainer/heartbeat.ts";
import { createInputs } from "../../services/trainer/inputs.ts";
import { takeWork } from "../../services/trainer/take-work.ts";
import { drawn } from "./recipes.ts";
import { startSystem } from "./system.ts";

test("a trainer begins the next job while it publishes the result of one, and no third", async () => {
  await using directory = await temporaryDirectory();
  await using system = await startSystem(directory.path);
  using channel = connect(system.address);
  await using bus = connectRemoteBus(channel);
  const { artifacts } = system;
  const gate = Promise.withResolvers<void>();
  let published = 0;
  const slow = {
    ...artifacts,
    async publish(...args: Parameters<typeof artifacts.publish>) {
      await gate.promise;
      published += 1;
      return artifacts.publish(...args);
    },
  };
  const stop = new AbortController();
  const log = createLogger({ service: "test", level: "silent" });
  const inputs = createInputs(artifacts, 0);
  await using heartbeat = startHeartbeat({ address: system.address, options: {} }, log);
  const finetune = channel.client(FinetuneService);
  const work = takeWork(
    {
      finetune,
      bus,
      artifacts: slow,
      inputs,
      heartbeat,
      log,
      name: "t",
      device: "cpu",
      backends: ["cpu"],
      memoryMib: 1024,
      checkpointMs: 5000,
    } as const,
    stop.signal,
  );
  const ids: string[] = [];
  for (const seed of [1, 2, 3]) ids.push((await system.submit({ ...drawn, seed })).id);
  const states = () => Promise.all(ids.map(async (id) => (await system.job(id)).state));
  const { RUNNING, QUEUED, SUCCEEDED } = JobState;
  await waitFor(async () => (await states())[1] === RUNNING, { what: "the second job to begin" });
  assert.deepEqual(await states(), [RUNNING, RUNNING, QUEUED]);
  assert.equal(published, 0);
  gate.resolve();
  await waitFor(async () => (await states()).every((state) => state === SUCCEEDED), { what: "the end of all" });
  for (const id of ids) assert.equal((await system.job(id)).attempt, 1);
  stop.abort();
  await work;
});
