import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { readManifest } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { deferred } from "#libs/testing";
import { SessionState } from "#proto/ratatouille/v1/averaging_pb.ts";
import { contribute, sha256, withdraw } from "./testing/client.ts";
import { rejection, startSessions } from "./testing/system.ts";

const COUNT = 300_000;
const large = (x: number) => saveFloat32(new Map([["w", { shape: [COUNT], data: new Float32Array(COUNT).fill(x) }]]));

test("a contribution that ends while its session is closed counts, or its sender is told that it does not", async () => {
  await using system = await startSessions();
  let refused = 0;
  for (let round = 0; round < 8; round++) {
    const place = await system.open();
    for (const k of [1, 2]) await contribute(system.client, place, `c${k}`, large(10 * round + k));
    const late = large(10 * round + 3);
    const [almost, go] = [deferred<void>(), deferred<void>()];
    using own = system.connect();
    const beforeChunk = async (offset: number) => {
      if (offset + (1 << 18) < late.length) return;
      almost.resolve();
      await go.promise;
    };
    const outcome = contribute(own, place, "late", late, { chunkBytes: 1 << 18, beforeChunk }).then(
      () => true,
      (error) => {
        assert.ok(isRpcError(error, Code.FAILED_PRECONDITION, "SESSION_OVER"), String(error));
        return false;
      },
    );
    await almost.promise;
    const closing = system.client.closeSession({ ...place, snapshot: true });
    await sleep(4 * round);
    go.resolve();
    const { artifact } = await closing;
    const members = readManifest(artifact!.manifest).recipe.parameters["contributions"] as readonly string[];
    const counted = await outcome;
    assert.equal(members.includes(sha256(late)), counted, `round ${round}: told ${counted}`);
    assert.equal(members.length, counted ? 3 : 2);
    if (!counted) refused += 1;
  }
  assert.ok(refused > 0, "somebody came too late");
});

test("a last snapshot that fails leaves the session open; copies of a closing get the same artifact", async () => {
  await using system = await startSessions();
  const place = await system.open({ dtype: "F16" });
  const refused = async (reason: string) => {
    const error = await rejection(system.client.closeSession({ ...place, snapshot: true }));
    assert.deepEqual([error.code, error.reason], [Code.FAILED_PRECONDITION, reason], error.message);
    assert.equal((await system.state(place.sessionId)).state, SessionState.OPEN);
    return error.message;
  };
  await refused("NOTHING_COMMITTED");
  await contribute(system.client, place, "huge", large(1e6));
  await refused("AVERAGE_NOT_FINITE");
  await withdraw(system.client, place, "huge");
  await contribute(system.client, place, "small", large(1));
  const copies = await Promise.all([1, 2, 3].map(() => system.client.closeSession({ ...place, snapshot: true })));
  const digests = copies.map(({ artifact }) => artifact?.digest);
  assert.ok(digests[0] && digests.every((digest) => digest === digests[0]), String(digests));
  assert.equal((await system.state(place.sessionId)).state, SessionState.CLOSED);
});
