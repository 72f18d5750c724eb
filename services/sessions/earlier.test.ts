import assert from "node:assert/strict";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { test } from "node:test";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { adoptEarlier } from "./earlier.ts";
import { openSessionStore } from "./store/store.ts";
import { contribute } from "./testing/client.ts";
import { model } from "./testing/models.ts";
import { startSessions } from "./testing/system.ts";

test("what an averaging service of an earlier version had is taken over once, wherever it lies, also what is in the log of its database only", async () => {
  await using system = await startSessions({ foldAfter: 2 });
  await using directory = await temporaryDirectory();
  const place = await system.open();
  for (const [who, seed] of [
    ["a", 1],
    ["b", 2],
    ["c", 3],
  ] as const)
    await contribute(system.client, place, who, model(seed));
  const settled = async () => {
    const { committed, folded, stagedBytes } = await system.state(place.sessionId);
    return committed === 3 && folded === 2 && (await system.leftovers()).length === 2 && stagedBytes > 0n;
  };
  await waitFor(settled, { what: "the sums of two, and one that waits" });
  // As a process leaves it that is killed: copied while it is open.
  const [beside, same] = [directory.join("averaging"), directory.join("embedded")];
  const data = system.directory.join("data");
  for (const folder of [beside, same]) {
    // Again where a file went while it was copied.
    const copied = async () => {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      await cp(`${data}/sessions`, `${folder}/sessions`, { recursive: true });
      for (const end of ["", "-wal"]) await cp(`${data}/sessions.sqlite${end}`, `${folder}/averaging.sqlite${end}`);
      return true;
    };
    await waitFor(copied, { what: "a copy of all files" });
  }
  const files = (await readdir(`${data}/sessions/${place.sessionId}`)).sort();
  for (const [earlier, now] of [
    [beside, directory.join("sessions")],
    [same, same],
  ] as const) {
    assert.equal(await adoptEarlier(earlier, now), true);
    assert.equal(await adoptEarlier(earlier, now), false);
    await using store = await openSessionStore(`${now}/sessions.sqlite`);
    assert.equal((await store.contributions(place.sessionId, "committed", "folded")).length, 3);
    assert.deepEqual((await readdir(`${now}/sessions/${place.sessionId}`)).sort(), files);
  }
  assert.deepEqual(await readdir(beside), []);
});
