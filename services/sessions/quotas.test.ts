import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, type RpcError } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { deferred, waitFor } from "#libs/testing";
import { contribute } from "./testing/client.ts";
import { model } from "./testing/models.ts";
import { rejection, startSessions } from "./testing/system.ts";

const large = (x: number) => saveFloat32(new Map([["w", { shape: [50_000], data: new Float32Array(50_000).fill(x) }]]));

function assertExhausted(error: RpcError, reason: string, field: string, limit: number): void {
  assert.deepEqual([error.code, error.reason], [Code.RESOURCE_EXHAUSTED, reason], error.message);
  assert.deepEqual(error.metadata, { field, limit: String(limit) });
  assert.equal(error.violations[0]?.field, field);
  assert.match(error.message, new RegExp(String(limit)));
}

test("more open sessions than the limit: refused until one is closed", async () => {
  await using system = await startSessions({ sessions: 2 });
  const places = [await system.open(), await system.open()];
  assertExhausted(await rejection(system.open()), "SESSION_QUOTA", "sessions", 2);
  await system.client.closeSession(places[0]!);
  await system.open();
});

test("a contribution that is larger than a limit is refused before its bytes", async () => {
  await using system = await startSessions({ contributionBytes: 100_000, stagingBytes: 90_000 });
  const own = await system.open({ maxContributionBytes: 1000n });
  assertExhausted(await rejection(contribute(system.client, own, "a", large(1))), "CONTRIBUTION_QUOTA", "max_contribution_bytes", 1000);
  const place = await system.open();
  assertExhausted(await rejection(contribute(system.client, place, "a", large(1))), "CONTRIBUTION_QUOTA", "contributionBytes", 100_000);
  const between = saveFloat32(new Map([["w", { shape: [24_000], data: new Float32Array(24_000) }]]));
  assertExhausted(await rejection(contribute(system.client, place, "a", between)), "CONTRIBUTION_QUOTA", "stagingBytes", 90_000);
  assert.deepEqual(await system.leftovers(), []);
});

test("a session takes as many contributors as it says", async () => {
  await using system = await startSessions();
  const place = await system.open({ maxContributors: 2 });
  for (const name of ["a", "b"]) await contribute(system.client, place, name, model(1));
  assertExhausted(await rejection(contribute(system.client, place, "c", model(1))), "CONTRIBUTOR_QUOTA", "max_contributors", 2);
  assert.deepEqual(await contribute(system.client, place, "a", model(1)), { existed: true, from: undefined });
});

test("more calls at once than the limit: refused until one has ended", async () => {
  await using system = await startSessions({ streams: 1 });
  const place = await system.open();
  const wait = deferred<void>();
  const first = contribute(system.client, place, "a", large(1), { chunkBytes: 10_000, beforeChunk: () => wait.promise });
  await waitFor(async () => (await system.state(place.sessionId)).staging === 1);
  assertExhausted(await rejection(contribute(system.client, place, "b", large(1))), "STREAM_QUOTA", "streams", 1);
  wait.resolve();
  await first;
  await contribute(system.client, place, "b", large(1));
});

test("where no room is left for staged files, folding makes it, and contributions wait for that", async () => {
  await using system = await startSessions({ stagingBytes: 450_000, foldAfter: 1000 });
  const place = await system.open();
  for (let k = 0; k < 7; k++) await contribute(system.client, place, `c${k}`, large(k));
  const state = await system.state(place.sessionId);
  assert.equal(state.committed, 7);
  assert.ok(state.folded >= 4 && state.stagedBytes <= 450_000n, JSON.stringify([state.folded, Number(state.stagedBytes)]));
});

test("where folding makes no room either, a contribution is refused and leaves nothing", async () => {
  await using system = await startSessions({ stagingBytes: 250_000, stallMs: 300 });
  const place = await system.open();
  const never = deferred<void>();
  const stuck = contribute(system.client, place, "a", large(1), { chunkBytes: 10_000, beforeChunk: () => never.promise });
  stuck.catch(() => undefined);
  await waitFor(async () => (await system.state(place.sessionId)).staging === 1);
  assertExhausted(await rejection(contribute(system.client, place, "b", large(2))), "STAGING_QUOTA", "stagingBytes", 250_000);
  assert.equal((await system.state(place.sessionId)).staging, 1);
  never.resolve();
  await stuck.catch(() => undefined);
});

test("a thousand sessions are open at once, sixty-four contribute at once", async () => {
  await using system = await startSessions();
  const places = await Promise.all(Array.from({ length: 1000 }, () => system.open()));
  const file = large(1);
  // Whatever the runtime needs once.
  await contribute(system.client, places[0]!, "first", file);
  const clients = Array.from({ length: 64 }, () => system.connect());
  try {
    for (let round = 0; round < 2; round++) {
      const outcomes = await Promise.all(
        clients.map((client, k) => contribute(client, places[(64 * round + k) % 1000]!, `c${round}`, file, { chunkBytes: 50_000 })),
      );
      assert.ok(outcomes.every(({ existed, from }) => !existed && from === 0));
    }
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
  const { sessions } = await system.client.listSessions({ pageSize: 500 });
  assert.equal(sessions.length, 500);
  assert.equal((await system.state(places[5]!.sessionId)).committed, 1);
});
