import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bus, connectJetStream, createOutbox, event, type OutboxTables, openLocalBus, outboxMigration } from "#libs/bus";
import { connect, implement, notFound, type ServiceRegistration, serve } from "#libs/rpc";
import { openDatabase } from "#libs/storage";
import { inSpan, startTelemetry } from "#libs/telemetry";
import { openOtlpSink, type ReceivedSpan } from "#libs/telemetry/testing";
import { startNatsServer } from "#libs/testing";
import { jobFinished, streams } from "#libs/topics";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";

const buses: Readonly<Record<string, (stack: AsyncDisposableStack) => Promise<Bus>>> = {
  "in-process": async (stack) => stack.use(await openLocalBus({ path: ":memory:" })),
  JetStream: async (stack) => stack.use(await connectJetStream({ servers: stack.use(await startNatsServer()).address, streams })),
};

for (const [name, open] of Object.entries(buses)) {
  test(`one trace: command, call, event through the outbox on the ${name} bus, and the call that its handler makes`, async () => {
    await using sink = await openOtlpSink();
    {
      await using stack = new AsyncDisposableStack();
      stack.use(startTelemetry({ service: "test", endpoint: sink.endpoint }));
      const bus = await open(stack);
      const database = stack.use(await openDatabase<OutboxTables>({ path: ":memory:", migrations: [outboxMigration] }));
      const outbox = createOutbox(database);
      const system = implement(SystemService, {
        getSystem: async () => {
          await database.transaction((tx) => outbox.add(tx, event(jobFinished, "job-1/finished", { jobId: "job-1" })));
          return { version: "0.1.0" };
        },
      });
      const channel = stack.use(connect((await serveHere(stack, [system, jobs])).address));
      const stop = new AbortController();
      const handled = Promise.withResolvers<void>();
      const loops = [
        outbox.relay(bus, { signal: stop.signal }),
        bus.consume(jobFinished, { durable: "test", concurrency: 1, signal: stop.signal }, async ({ jobId }) => {
          await assert.rejects(channel.client(FinetuneService).getJob({ id: jobId }), /no job job-1/);
          handled.resolve();
        }),
      ];
      await inSpan("command", {}, async () => {
        await channel.client(SystemService).getSystem({});
      });
      await handled.promise;
      stop.abort();
      await Promise.all(loops);
    }

    const spans = sink.spans.filter((span) => span.traceId === one(sink.spans, "command", "INTERNAL").traceId);
    const chain = [
      one(spans, "command", "INTERNAL"),
      one(spans, "ratatouille.v1.SystemService/GetSystem", "CLIENT"),
      one(spans, "ratatouille.v1.SystemService/GetSystem", "SERVER"),
      one(spans, "process ratatouille.v1.job.finished", "CONSUMER"),
      one(spans, "ratatouille.v1.FinetuneService/GetJob", "CLIENT"),
      one(spans, "ratatouille.v1.FinetuneService/GetJob", "SERVER"),
    ];
    assert.deepEqual(
      chain.map((span) => span.parentSpanId),
      ["", ...chain.slice(0, -1).map((span) => span.spanId)],
    );
    const wait = one(spans, "wait ratatouille.v1.job.finished", "INTERNAL");
    assert.equal(wait.parentSpanId, chain[3]?.parentSpanId);
    assert.ok(wait.startMs >= (chain[2]?.startMs ?? 0) - 1 && wait.endMs <= (chain[3]?.startMs ?? 0) + 1, "from publish to receipt");
    assert.equal(chain[5]?.attributes["rpc.response.status_code"], "NOT_FOUND");
    assert.equal(chain[3]?.attributes["messaging.message.id"], "job-1/finished");
  });
}

test("spans made inside a streaming handler have the call as parent, whatever runs beside it; a stream is one span, not one per message", async () => {
  await using sink = await openOtlpSink();
  {
    await using stack = new AsyncDisposableStack();
    stack.use(startTelemetry({ service: "test", endpoint: sink.endpoint }));
    const watched = implement(FinetuneService, {
      async *watchJobs({ runId }) {
        for (let message = 0; message < 3; message += 1) {
          await new Promise((resolve) => setImmediate(resolve));
          inSpan(`${runId} look ${message}`, {}, () => {});
          yield {};
        }
      },
    });
    const { watchJobs } = stack.use(connect((await serveHere(stack, [watched])).address)).client(FinetuneService);
    await Promise.all(
      ["a", "b"].map((runId) =>
        inSpan(`watch ${runId}`, {}, async () => {
          let messages = 0;
          for await (const _message of watchJobs({ runId }, { timeoutMs: 10_000 })) messages += 1;
          assert.equal(messages, 3);
        }),
      ),
    );
  }
  assert.equal(sink.spans.length, 2 * (1 + 2 + 3));
  const byId = new Map(sink.spans.map((span) => [span.spanId, span]));
  for (const runId of ["a", "b"]) {
    for (const look of [0, 1, 2]) {
      const server = byId.get(one(sink.spans, `${runId} look ${look}`, "INTERNAL").parentSpanId);
      assert.equal(server?.kind, "SERVER");
      const client = byId.get(server?.parentSpanId ?? "");
      assert.equal(client?.kind, "CLIENT");
      assert.equal(byId.get(client?.parentSpanId ?? "")?.name, `watch ${runId}`);
    }
  }
});

const jobs = implement(FinetuneService, {
  getJob: async ({ id }) => {
    throw notFound(`there is no job ${id}`);
  },
});

async function serveHere(stack: AsyncDisposableStack, services: ServiceRegistration[]) {
  return stack.use(await serve({ address: "127.0.0.1:0", services, drainMs: 0 }));
}

function one(spans: readonly ReceivedSpan[], name: string, kind: ReceivedSpan["kind"]): ReceivedSpan {
  const found = spans.filter((span) => span.name === name && span.kind === kind);
  assert.equal(found.length, 1, `one ${kind} span ${name} among ${spans.map((span) => `${span.kind} ${span.name}`).join(", ")}`);
  return found[0] as ReceivedSpan;
}
