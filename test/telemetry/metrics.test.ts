import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, implement, notFound, serve } from "#libs/rpc";
import { counter, histogram, observe, startTelemetry } from "#libs/telemetry";
import { startCollector } from "#libs/testing";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";

// Made before telemetry starts, as those of modules are.
const eaten = counter("ratatouille.test.eaten", { unit: "{plate}", description: "Plates that were eaten." });
const speed = histogram("ratatouille.test.speed", { unit: "{plate}/s", description: "Speed of eating.", boundaries: [1, 10] });

/** The first test on a machine builds the collector. */
const slow = { timeout: 300_000 };

test(
  "a real collector receives counters, histograms and gauges at the end of a process, and nothing from before its start",
  slow,
  async () => {
    eaten.add(100);
    await using collector = await startCollector();
    {
      await using _telemetry = startTelemetry({ service: "kitchen", endpoint: collector.endpoint });
      eaten.add(1, { course: "main" });
      eaten.add(2, { course: "main" });
      speed.record(4);
      const waiting = { "ratatouille.test.waiting": { unit: "{guest}", description: "Guests that wait." } };
      observe(waiting, async () => ({ "ratatouille.test.waiting": [{ value: 7 }] }));
    }
    eaten.add(100);
    await collector.stop();
    const { metrics } = await collector.received();
    assert.ok(metrics.every(({ service, instance }) => service === "kitchen" && instance !== ""));
    assert.deepEqual(
      metrics.map(({ name, unit, attributes, value, count }) => ({ name, unit, attributes, value, count })),
      [
        { name: "ratatouille.test.eaten", unit: "{plate}", attributes: { course: "main" }, value: 3, count: undefined },
        { name: "ratatouille.test.speed", unit: "{plate}/s", attributes: {}, value: 4, count: 1 },
        { name: "ratatouille.test.waiting", unit: "{guest}", attributes: {}, value: 7, count: undefined },
      ],
    );
  },
);

test("calls are measured at both ends, by method and code", slow, async () => {
  await using collector = await startCollector();
  {
    await using _telemetry = startTelemetry({ service: "kitchen", endpoint: collector.endpoint });
    const jobs = implement(FinetuneService, {
      getJob: async ({ id }) => {
        if (id === "missing") throw notFound("there is no such job");
        return {};
      },
    });
    await using server = await serve({ address: "127.0.0.1:0", services: [jobs], drainMs: 0 });
    using channel = connect(server.address);
    const { getJob } = channel.client(FinetuneService);
    await getJob({ id: "there" });
    await getJob({ id: "there" });
    await assert.rejects(getJob({ id: "missing" }), /no such job/);
  }
  await collector.stop();
  const { metrics } = await collector.received();
  for (const side of ["client", "server"]) {
    const calls = metrics.filter(({ name }) => name === `rpc.${side}.call.duration`);
    const counts = calls.map(({ attributes, count }) => [attributes["rpc.method"], attributes["rpc.response.status_code"], count]);
    assert.deepEqual(counts, [
      ["ratatouille.v1.FinetuneService/GetJob", "OK", 2],
      ["ratatouille.v1.FinetuneService/GetJob", "NOT_FOUND", 1],
    ]);
    assert.ok(calls.every(({ unit, value }) => unit === "s" && value > 0 && value < 10));
  }
});
