import assert from "node:assert/strict";
import { test } from "node:test";
import { contribute } from "./testing/client.ts";
import { model } from "./testing/models.ts";
import { startSessions } from "./testing/system.ts";

test("contributions are averaged", async () => {
  await using system = await startSessions();
  const place = await system.open();
  for (const seed of [1, 2, 3]) {
    assert.deepEqual(await contribute(system.client, place, `c${seed}`, model(seed)), { existed: false, from: 0 });
  }
  const artifact = await system.snapshot(place.sessionId);
  assert.equal((await system.state(place.sessionId)).artifact, artifact.digest);
});
