import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { Code } from "#libs/rpc";
import { saveFloat32 } from "#libs/tensors";
import { deferred, waitFor } from "#libs/testing";
import { contribute } from "./testing/client.ts";
import { rejection, startSessions } from "./testing/system.ts";

const large = (x: number) => saveFloat32(new Map([["w", { shape: [100_000], data: new Float32Array(100_000).fill(x) }]]));
const CHUNK = 10_000;

test("a thread that dies ends the contributions that it had looked at; they go on where they were, and others with them", async () => {
  const verifyThread = new URL("testing/mortal-thread.ts", import.meta.url);
  await using system = await startSessions({ checkedAtOnceBytes: 0 }, { verifyThread });
  const place = await system.open();
  using other = system.connect();
  const [waits, go] = [deferred<void>(), deferred<void>()];
  const idle = contribute(other, place, "idle", large(1), {
    chunkBytes: CHUNK,
    beforeChunk(offset) {
      if (offset < 100_000) return;
      waits.resolve();
      return go.promise;
    },
  });
  const idleError = rejection(idle);
  await waits.promise;
  const error = await rejection(
    contribute(system.client, place, "busy", large(2), {
      chunkBytes: CHUNK,
      async beforeChunk(offset) {
        if (offset !== 200_000) return;
        await waitFor(async () => (await system.staged()) === 300_000, { what: "what was sent to be written" });
        await writeFile(system.directory.join("data/end-thread"), "");
      },
    }),
  );
  go.resolve();
  for (const refused of [error, await idleError]) {
    assert.deepEqual([refused.code, refused.reason], [Code.ABORTED, "INCOMPLETE"], refused.message);
    assert.match(refused.message, /the same call again goes on/);
  }
  const again = await contribute(system.client, place, "busy", large(2), { chunkBytes: CHUNK });
  assert.ok(again.from! % CHUNK === 0 && again.from! <= 200_000, String(again.from));
  await contribute(system.client, place, "idle", large(1), { chunkBytes: CHUNK });
  await contribute(system.client, place, "new", large(6), { chunkBytes: CHUNK });
  const undisturbed = await system.open();
  for (const x of [1, 2, 6]) await contribute(system.client, undisturbed, `c${x}`, large(x));
  assert.equal((await system.snapshot(place.sessionId)).digest, (await system.snapshot(undisturbed.sessionId)).digest);
});
