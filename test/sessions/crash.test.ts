import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openLocalBus } from "#libs/bus";
import { uint32 } from "#libs/deterministic";
import type { SessionAccess } from "#libs/remote-sessions";
import { Code, connect, isRpcError, type RpcChannel, type ServiceClient, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { freePort, temporaryDirectory, waitFor } from "#libs/testing";
import { AveragingService, SessionState } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createCatalog } from "../../services/catalog/index.ts";
import { contribute, withdraw } from "../../services/sessions/testing/client.ts";
import { model } from "../../services/sessions/testing/models.ts";
import { startSessions } from "../../services/sessions/testing/system.ts";
import { type Service, startService } from "./service.ts";

/** How often the service is killed; SESSION_KILLS=200 for more. */
const KILLS = Number(process.env["SESSION_KILLS"] ?? 6);
const SEED = Number(process.env["SESSION_SEED"] ?? 1);

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

/** Codes of calls whose service is gone. */
const GONE: readonly number[] = [Code.UNAVAILABLE, Code.CANCELLED, Code.ABORTED, Code.UNKNOWN, Code.INTERNAL];

/** A service as its clients see it, until it is killed. */
type Life = { readonly address: string; readonly channels: RpcChannel[]; over: boolean; interrupted: boolean };

/**
 * Kills one service after another, at some moment of its work, and lets the last one live; those who call find the one that serves.
 * Each loads its modules while the one before it works.
 */
function manyLives(start: () => Service, draw: (limit: number) => number) {
  const lives: Life[] = [];
  const state = { kills: 0, work: 0, finished: false };
  const next = async (service: Service, last: boolean): Promise<void> => {
    // Some die while they start and put in order what the one before has left.
    if (!last && draw(5) === 0) {
      await service.begin();
      return void (await sleep(draw(40)));
    }
    const life: Life = { address: await service.serve(), channels: [], over: false, interrupted: false };
    lives.push(life);
    const until = last ? Number.POSITIVE_INFINITY : state.work + 1 + draw(60);
    const wait = { timeoutMs: 90_000, what: last ? "the end of all sessions" : `work of the service (${until})` };
    await waitFor(() => state.finished || state.work >= until || !service.process.running(), wait);
    if (!last) await sleep(draw(10));
    life.over = true;
    await service.process.kill();
    for (const channel of life.channels) channel.close();
  };
  const live = async () => {
    await using services = new AsyncDisposableStack();
    let loading: Service | undefined;
    while (!state.finished) {
      // A runtime that crashes is one more kill; a service must not end by itself.
      assert.ok(state.kills < KILLS + 5, "the service dies by itself, again and again");
      const last = state.kills >= KILLS;
      const service = loading ?? services.use(start());
      loading = last ? undefined : services.use(start());
      await next(service, last);
      await service.process.kill();
      const how = await service.process.ended;
      assert.equal(typeof how, "string", `the service ended by itself, with ${how}: ${service.process.lines.join("\n")}`);
      state.kills++;
    }
  };
  /** Makes a call again until it works. A service that lives must not fail one. */
  const persist = async <T>(call: (client: ServiceClient<typeof AveragingService>) => Promise<T>): Promise<T> => {
    for (;;) {
      const life = await waitFor(() => lives.find(({ over }) => !over), { timeoutMs: 60_000, what: "a service that serves" });
      const channel = connect(life.address);
      life.channels.push(channel);
      try {
        return await call(channel.client(AveragingService));
      } catch (error) {
        if (!isRpcError(error) || !GONE.includes(error.code)) throw error;
        await waitFor(() => life.over, { what: `the end of the service that failed a call with "${error.message}"` });
        life.interrupted = true;
      } finally {
        channel.close();
      }
    }
  };
  return { state, lives, live, persist };
}

test("a service that is killed at any moment, again and again, ends with the same averages and nothing else on its disk", async () => {
  await using directory = await temporaryDirectory();
  await using reference = await startSessions();
  const log = createLogger({ service: "catalog", destination: directory.join("catalog.log") });
  await using bus = await openLocalBus({ path: ":memory:" });
  await using catalog = await createCatalog({ directory: directory.join("catalog"), bus, log });
  await using catalogServer = await serve({ address: "127.0.0.1:0", services: catalog.registrations, log, drainMs: 0 });
  const data = directory.join("averaging");

  let draws = 0;
  const draw = (limit: number) => uint32(SEED, draws++) % limit;
  const { state, lives, live, persist } = manyLives(() => startService(data, catalogServer.address), draw);

  async function play(session: number): Promise<void> {
    const opened = await persist((client) => client.openSession({}));
    const place: SessionAccess = { sessionId: opened.session!.id, secret: opened.secret };
    const sending = { chunkBytes: 500 + draw(3000), beforeChunk: () => void state.work++ };
    for (const { does, who, model: k } of story) {
      const file = modelOf(session, k);
      if (does === "comes") await persist((client) => contribute(client, place, who, file, sending));
      else await persist((client) => withdraw(client, place, who, file, sending));
      state.work++;
    }
    const { session: found } = await persist((client) => client.getSession({ sessionId: place.sessionId }));
    assert.equal(found!.committed, members.length);
    const { artifact } = await persist((client) => client.closeSession({ ...place, snapshot: true }, { timeoutMs: 20_000 }));
    state.work++;
    const other = await reference.open();
    for (const k of members) await contribute(reference.client, other, `m${k}`, modelOf(session, k));
    assert.equal(artifact!.digest, (await reference.snapshot(other.sessionId)).digest);
  }

  const living = live();
  let sessions = 0;
  const players = Promise.all(
    Array.from({ length: 4 }, async () => {
      while (state.kills < KILLS) await play(sessions++);
    }),
  );
  await Promise.race([players, living]);
  await players;
  assert.ok(sessions >= 4);
  assert.ok(lives.filter(({ interrupted }) => interrupted).length >= KILLS / 3, "many kills interrupt a call");
  // Of a session whose opening was not heard of nothing is there; those that are closed have left nothing.
  await waitFor(async () => (await readdir(`${data}/sessions`)).length === 0, { what: "the folder of sessions to be empty" });
  state.finished = true;
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
  const catalogAddress = `127.0.0.1:${await freePort()}`;
  const data = directory.join("sessions");
  const serveCatalog = () => serve({ address: catalogAddress, services: catalog.registrations, log, drainMs: 0 });
  await using first = startService(data, catalogAddress);
  await using second = startService(data, catalogAddress);
  using channel = connect(await first.serve());
  let client = channel.client(AveragingService);
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
  await first.process.kill();
  gone.abort();
  await closing;
  using again = connect(await second.serve());
  client = again.client(AveragingService);
  assert.equal(await stateNow(), SessionState.OPEN);
  await using _catalogServer = await serveCatalog();
  await contribute(client, place, "m2", modelOf(0, 2));
  const { artifact } = await client.closeSession({ ...place, snapshot: true });
  const other = await reference.open();
  for (const k of [0, 1, 2]) await contribute(reference.client, other, `m${k}`, modelOf(0, k));
  assert.equal(artifact!.digest, (await reference.snapshot(other.sessionId)).digest);
  assert.deepEqual(await readdir(`${data}/sessions`), []);
});
