import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openLocalBus } from "#libs/bus";
import { uint32 } from "#libs/deterministic";
import { Code, connect, isRpcError, serve } from "#libs/rpc";
import { signalChild, spawnScript } from "#libs/service";
import { createLogger } from "#libs/telemetry";
import { freePort, temporaryDirectory, waitFor } from "#libs/testing";
import { AveragingService, SessionState } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createCatalog } from "../../services/catalog/index.ts";
import { contribute, type SessionAccess, withdraw } from "../../services/sessions/testing/client.ts";
import { model } from "../../services/sessions/testing/models.ts";
import { startSessions } from "../../services/sessions/testing/system.ts";

/** How often the service is killed; SESSION_KILLS=200 for more. */
const KILLS = Number(process.env["SESSION_KILLS"] ?? 12);
const SEED = Number(process.env["SESSION_SEED"] ?? 1);
const program = fileURLToPath(new URL("service-child.ts", import.meta.url));

/** What happens in a session: who comes with which model, and who goes again. In the end the first, the third and the fourth count. */
const story = [
  { does: "comes", who: "a", model: 0 },
  { does: "comes", who: "b", model: 1 },
  { does: "comes", who: "c", model: 2 },
  { does: "goes", who: "b", model: 1 },
  { does: "comes", who: "d", model: 3 },
  { does: "comes", who: "b", model: 4 },
  { does: "comes", who: "e", model: 5 },
  { does: "goes", who: "b", model: 4 },
  { does: "goes", who: "e", model: 5 },
] as const;
const members = [0, 2, 3];
const modelOf = (session: number, k: number) => model(100 * session + k, 2000);

/** Calls again until it works: what a client does whose server may be gone at any time. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const passing = [Code.UNAVAILABLE, Code.CANCELLED, Code.ABORTED, Code.UNKNOWN, Code.INTERNAL];
      if (!isRpcError(error) || !passing.includes(error.code as never)) throw error;
      await sleep(5);
    }
  }
}

test("a service that is killed at any moment, again and again, ends with the same averages and nothing else on its disk", async () => {
  await using directory = await temporaryDirectory();
  await using reference = await startSessions();
  const log = createLogger({ service: "catalog", destination: directory.join("catalog.log") });
  await using bus = await openLocalBus({ path: ":memory:" });
  await using catalog = await createCatalog({ directory: directory.join("catalog"), bus, log });
  await using catalogServer = await serve({ address: "127.0.0.1:0", services: catalog.registrations, log, drainMs: 0 });
  const address = `127.0.0.1:${await freePort()}`;
  const data = directory.join("averaging");

  let draws = 0;
  const draw = (limit: number) => uint32(SEED, draws++) % limit;
  let kills = 0;
  const finished = new AbortController();
  const live = async () => {
    for (;;) {
      const child = spawnScript(program, [data, address, catalogServer.address], { stdio: ["pipe", "pipe", "inherit"] });
      const ended = once(child, "close");
      const ready = once(child.stdout!, "data").catch(() => undefined);
      // Some die while they start and put in order what the one before has left.
      if (draw(5) > 0) await Promise.race([ready, ended]);
      const last = kills >= KILLS;
      await sleep(last ? 2 ** 30 : draw(150), undefined, { signal: finished.signal }).catch(() => undefined);
      // A runtime that crashes is one more kill; a service must not end by itself.
      const alive = signalChild(child, "SIGKILL");
      const [code] = await ended;
      assert.ok(alive || code === null, `the service ended by itself, with ${code}`);
      kills += 1;
      if (finished.signal.aborted) return;
    }
  };

  async function play(session: number): Promise<void> {
    using channel = connect(address);
    const client = channel.client(AveragingService);
    const opened = await persist(() => client.openSession({}));
    const place: SessionAccess = { sessionId: opened.session!.id, secret: opened.secret };
    const sending = { chunkBytes: 500 + draw(3000) };
    for (const { does, who, model: k } of story) {
      const file = modelOf(session, k);
      if (does === "comes") await persist(() => contribute(client, place, who, file, sending));
      else await persist(() => withdraw(client, place, who, file, sending));
    }
    const { session: state } = await persist(() => client.getSession({ sessionId: place.sessionId }));
    assert.equal(state!.committed, members.length);
    const { artifact } = await persist(() => client.closeSession({ ...place, snapshot: true }, { timeoutMs: 20_000 }));
    const other = await reference.open();
    for (const k of members) await contribute(reference.client, other, `m${k}`, modelOf(session, k));
    assert.equal(artifact!.digest, (await reference.snapshot(other.sessionId)).digest);
  }

  const living = live();
  let sessions = 0;
  const players = Array.from({ length: 4 }, async () => {
    while (kills < KILLS) await play(sessions++);
  });
  await Promise.race([Promise.all(players), living]);
  await Promise.all(players);
  assert.ok(sessions >= 4);
  // Of a session whose opening was not heard of nothing is there; those that are closed have left nothing.
  await waitFor(async () => (await readdir(`${data}/sessions`)).length === 0, { what: "the folder of sessions to be empty" });
  finished.abort();
  await living;
  const errors = (await readFile(`${data}.log`, "utf8")).split("\n").filter((line) => line.includes('"level":"error"'));
  assert.deepEqual(errors, []);
});

test("a service that is killed while a session is closed goes on with it open, and the next closing has all that counts", async () => {
  await using directory = await temporaryDirectory();
  await using reference = await startSessions();
  const log = createLogger({ service: "catalog", destination: directory.join("catalog.log") });
  await using bus = await openLocalBus({ path: ":memory:" });
  await using catalog = await createCatalog({ directory: directory.join("catalog"), bus, log });
  const [address, catalogAddress] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const data = directory.join("sessions");
  const serveCatalog = () => serve({ address: catalogAddress, services: catalog.registrations, log, drainMs: 0 });
  const startService = async () => {
    const child = spawnScript(program, [data, address, catalogAddress], { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(child, "close");
    await once(child.stdout!, "data");
    return async () => {
      signalChild(child, "SIGKILL");
      await ended;
    };
  };
  const kill = await startService();
  using channel = connect(address);
  const client = channel.client(AveragingService);
  const { session, secret } = await client.openSession({});
  const place = { sessionId: session!.id, secret };
  const stateNow = async () => (await client.getSession({ sessionId: place.sessionId })).session!.state;
  for (const k of [0, 1]) await contribute(client, place, `m${k}`, modelOf(0, k));
  // Nothing is at the catalog's address yet, so the last snapshot is not done before the kill.
  const gone = new AbortController();
  const closing = client.closeSession({ ...place, snapshot: true }, { signal: gone.signal }).catch(() => undefined);
  await waitFor(async () => (await stateNow()) === SessionState.CLOSING, { what: "the closing" });
  await assert.rejects(contribute(client, place, "m2", modelOf(0, 2)), { code: Code.FAILED_PRECONDITION, reason: "SESSION_OVER" });
  assert.deepEqual((await contribute(client, place, "m0", modelOf(0, 0))).existed, true);
  await kill();
  gone.abort();
  await closing;
  const stop = await startService();
  assert.equal(await persist(stateNow), SessionState.OPEN);
  await using _catalogServer = await serveCatalog();
  await persist(() => contribute(client, place, "m2", modelOf(0, 2)));
  const { artifact } = await persist(() => client.closeSession({ ...place, snapshot: true }));
  const other = await reference.open();
  for (const k of [0, 1, 2]) await contribute(reference.client, other, `m${k}`, modelOf(0, k));
  assert.equal(artifact!.digest, (await reference.snapshot(other.sessionId)).digest);
  assert.deepEqual(await readdir(`${data}/sessions`), []);
  await stop();
});
