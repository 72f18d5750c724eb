import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openLocalBus } from "#libs/bus";
import { connectToWeb } from "#libs/client/web";
import { bytesContent, contribute } from "#libs/remote-sessions";
import { Code, connect, isRpcError, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { saveFloat32 } from "#libs/tensors";
import { freePort, temporaryDirectory, waitFor } from "#libs/testing";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createCatalog } from "../catalog/index.ts";
import { createSessions } from "../sessions/index.ts";
import { served } from "./testing/served.ts";

const opening = new AsyncDisposableStack();
after(() => opening.disposeAsync());
const directory = opening.use(await temporaryDirectory());
const log = createLogger({ service: "test", destination: directory.join("log") });
const bus = opening.use(await openLocalBus({ path: ":memory:" }));
const catalog = opening.use(await createCatalog({ directory: directory.join("catalog"), bus, log }));
const catalogServer = opening.use(await serve({ address: "127.0.0.1:0", services: catalog.registrations, log, drainMs: 0 }));
const sessions = opening.use(
  await createSessions({ directory: directory.join("sessions"), clients: opening.use(connect(catalogServer.address)), log }),
);
const grpc = opening.use(await serve({ address: "127.0.0.1:0", services: sessions.registrations, log, drainMs: 0 }));
const web = opening.use(await served([...catalog.registrations, ...sessions.registrations], { token: "open sesame" }));
const client = connectToWeb(web.url, { token: "open sesame" });

/** 8 MB, all numbers the same. */
const model = (value: number) =>
  new Uint8Array(saveFloat32(new Map([["w", { shape: [2_000_000], data: new Float32Array(2_000_000).fill(value) }]])));
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

test("a model is pushed once, found, and comes back with its bytes", async () => {
  const bytes = model(1);
  const pushed = await client.push(bytes, { licence: "MIT", source: "a test" });
  assert.deepEqual([pushed.kind, pushed.licence, pushed.weights?.sizeBytes], ["model", "MIT", bytes.length]);
  let sent = 0;
  const counting: typeof fetch = (url, init) => {
    if (init?.method === "PUT") sent++;
    return fetch(url, init);
  };
  const again = await connectToWeb(`${web.url}/`, { token: "open sesame", fetch: counting }).push(bytes, {
    licence: "MIT",
    source: "a test",
  });
  assert.deepEqual([again.digest, sent], [pushed.digest, 0]);
  assert.deepEqual(
    (await Array.fromAsync(client.list({ filter: "kind = model" }))).map(({ digest }) => digest),
    [pushed.digest],
  );
  assert.ok(Buffer.from(await client.download(pushed.digest.slice(0, 20))).equals(bytes));
});

test("a contribution that was begun elsewhere goes on, and counts once", async () => {
  const session = await client.openSession();
  const stop = new AbortController();
  const onProgress = async ({ sentBytes }: { sentBytes: number }) => {
    if (sentBytes < 4_000_000) return;
    // What is on its way when a connection is cut may be lost.
    await waitFor(async () => (await session.state()).stagedBytes > 0, { what: "bytes at the server" });
    stop.abort(new Error("enough"));
  };
  using channel = connect(grpc.address);
  const access = { sessionId: session.id, secret: session.secret };
  const begun = contribute(
    channel.client(AveragingService),
    access,
    { contributor: "ann", content: bytesContent(model(2)) },
    { signal: stop.signal, onProgress },
  );
  await assert.rejects(begun, /enough/);
  const { existed, from } = await client.session({ id: session.id, secret: session.secret }).contribute("ann", model(2));
  assert.ok(!existed && from > 0 && from < model(2).length, `from ${from}`);
  assert.deepEqual(await session.contribute("ann", model(2)), { existed: true, from: model(2).length });
  assert.equal((await session.state()).committed, 1);
});

test("what is refused is an RpcError with its reason, of calls and of files", async () => {
  const session = await client.openSession();
  const wrong = await failure(client.session({ id: session.id, secret: "guessed" }).contribute("eve", model(3)));
  assert.ok(isRpcError(wrong, Code.PERMISSION_DENIED), String(wrong));
  const stranger = connectToWeb(web.url);
  for (const refused of await Promise.all([stranger.find("birds/champion"), stranger.push(model(4))].map(failure)))
    assert.ok(isRpcError(refused, Code.UNAUTHENTICATED), String(refused));
  const missing = await failure(client.find("birds/champion"));
  assert.ok(isRpcError(missing, Code.NOT_FOUND, "REF_NOT_FOUND"), String(missing));
  const filter = await failure(Array.fromAsync(client.list({ filter: "kind >" })));
  assert.ok(isRpcError(filter, Code.INVALID_ARGUMENT) && filter.violations[0]?.field === "filter", String(filter));
  const noFile = await failure(client.push(new TextEncoder().encode("no model")));
  assert.ok(isRpcError(noFile, Code.INVALID_ARGUMENT), String(noFile));
  const nobody = connectToWeb(`http://127.0.0.1:${await freePort()}`);
  for (const away of await Promise.all([nobody.find("a/b"), nobody.push(model(5))].map(failure)))
    assert.ok(isRpcError(away, Code.UNAVAILABLE), String(away));
});
