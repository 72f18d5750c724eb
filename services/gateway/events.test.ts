import assert from "node:assert/strict";
import { test } from "node:test";
import { event, openLocalBus } from "#libs/bus";
import { Code, connect, implement, isRpcError, serve } from "#libs/rpc";
import { artifactPublished, jobFinished, refMoved, runFinished, runStarted, streams, workTopic } from "#libs/topics";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { type Event, SystemService, type WatchEventsResponse } from "#proto/ratatouille/v1/system_pb.ts";
import { watchEvents } from "./index.ts";

/** SystemService with a bus behind it, over gRPC. */
async function startSystem() {
  await using opening = new AsyncDisposableStack();
  const bus = opening.use(await openLocalBus({ path: ":memory:", streams }));
  const server = opening.use(
    await serve({ address: "127.0.0.1:0", services: [implement(SystemService, { watchEvents: watchEvents(bus) })], drainMs: 0 }),
  );
  const channel = opening.use(connect(server.address));
  const open = opening.move();
  const system = channel.client(SystemService);
  return {
    bus,
    /** Follows events until the answer for `enough` is yes. */
    async follow(
      request: Parameters<typeof system.watchEvents>[0],
      enough: (responses: readonly WatchEventsResponse[]) => boolean,
      onCurrent: () => Promise<void> = async () => {},
    ): Promise<WatchEventsResponse[]> {
      const responses: WatchEventsResponse[] = [];
      for await (const response of system.watchEvents(request, { timeoutMs: 30_000 })) {
        responses.push(response);
        if (response.current) await onCurrent();
        if (enough(responses)) break;
      }
      return responses;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

const events = (responses: readonly WatchEventsResponse[]): Event[] => responses.flatMap(({ event: one }) => (one ? [one] : []));
const finished = (id: string) =>
  event(jobFinished, `${id}/finished`, { jobId: id, recipeKey: "", state: JobState.FAILED, artifact: "", error: "no luck" });

test("what the bus has is sent first, then that this was it, then what comes", async () => {
  await using system = await startSystem();
  await system.bus.publish(finished("job-1"));
  const seen = await system.follow(
    { sinceMs: 1n },
    (responses) => events(responses).length === 2,
    () => system.bus.publish(finished("job-2")),
  );
  assert.deepEqual(
    seen.map(({ event: one, current }) => one?.id ?? (current ? "current" : "nothing")),
    ["job-1/finished", "current", "job-2/finished"],
  );
  const [first] = events(seen);
  assert.equal(first?.subject, "ratatouille.v1.job.finished");
  assert.ok(Math.abs(Number(first.atMs) - Date.now()) < 60_000);
  assert.equal(first.payload.case === "jobFinished" && first.payload.value.error, "no luck");
});

test("without a time only what comes is sent, of the subjects that were asked for", async () => {
  await using system = await startSystem();
  await system.bus.publish(finished("job-1"));
  const seen = await system.follow(
    { subjects: [runFinished.subject] },
    (responses) => events(responses).length === 1,
    async () => {
      await system.bus.publish(finished("job-2"));
      await system.bus.publish(event(runFinished, "run-1/finished", { runId: "run-1", succeeded: true }));
    },
  );
  assert.deepEqual(
    seen.map(({ event: one }) => one?.id),
    [undefined, "run-1/finished"],
  );
});

test("every event has its payload; of one that cannot be read the rest is shown; work is no event", async () => {
  await using system = await startSystem();
  const { bus } = system;
  await bus.publish(
    event(workTopic({ device: "cpu", backend: "wasm", memoryMib: 100 }), "job-1/offer/1", { jobId: "job-1", recipeKey: "" }),
  );
  await bus.publish(event(runStarted, "a", { runId: "run-1", name: "digits" }));
  await bus.publish(event(artifactPublished, "b", { digest: "sha256:00", recipeKey: "", kind: ArtifactKind.MODEL }));
  await bus.publish(event(refMoved, "c", { name: "digits/best", digest: "sha256:00" }));
  await bus.publish({ ...event(runFinished, "d", { runId: "run-1", succeeded: true }), payload: new Uint8Array([255, 255]) });
  await bus.publish(finished("job-1"));
  const seen = events(await system.follow({ sinceMs: 1n }, (responses) => responses.at(-1)?.current === true));
  const cases = new Map(seen.map(({ id, payload }) => [id, payload.case]));
  assert.deepEqual([...cases].sort(), [
    ["a", "runStarted"],
    ["b", "artifactPublished"],
    ["c", "refMoved"],
    ["d", undefined],
    ["job-1/finished", "jobFinished"],
  ]);
});

test("a subject that no event has is refused, with those that there are", async () => {
  await using system = await startSystem();
  await assert.rejects(
    system.follow({ subjects: [jobFinished.subject, "ratatouille.v1.job.began"] }, () => true),
    (error) => {
      assert.ok(isRpcError(error, Code.INVALID_ARGUMENT));
      assert.equal(error.violations[0]?.field, "subjects[1]");
      assert.match(
        error.message,
        /"ratatouille\.v1\.job\.began" is not the subject of an event; there are ratatouille\.v1\.job\.finished, /,
      );
      return true;
    },
  );
});

test("a time that no clock tells is refused, and a subject that is named many times is followed once", async () => {
  await using system = await startSystem();
  for (const sinceMs of [-1n, 8_640_000_000_000_001n, 2n ** 63n - 1n])
    await assert.rejects(
      system.follow({ sinceMs }, () => true),
      (error) => isRpcError(error, Code.INVALID_ARGUMENT) && error.violations[0]?.field === "since_ms",
    );
  await system.bus.publish(finished("job-1"));
  const subjects = Array<string>(200).fill(jobFinished.subject);
  const seen = await system.follow({ subjects, sinceMs: 1n }, (responses) => responses.at(-1)?.current === true);
  assert.deepEqual(
    events(seen).map(({ id }) => id),
    ["job-1/finished"],
  );
});
