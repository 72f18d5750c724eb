import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { openLocalBus } from "#libs/bus";
import { layerOf, mediaTypes, readManifest } from "#libs/recipes";
import type { SessionAccess } from "#libs/remote-sessions";
import { connect, type RpcError, type RpcServer, type ServiceClient, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { AveragingService, type OpenSessionRequestSchema, type Session } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createCatalog } from "../../catalog/index.ts";
import { createSessions } from "../index.ts";
import type { SessionLimits } from "../limits.ts";

type Client = ServiceClient<typeof AveragingService>;

/** What a session is opened with. */
export type OpenRequest = MessageInitShape<typeof OpenSessionRequestSchema>;

/** The service of sessions and a real catalog, each behind a port of its own. */
export type SessionSystem = AsyncDisposable & {
  readonly client: Client;
  readonly address: string;
  readonly artifacts: Artifacts;
  readonly directory: TemporaryDirectory;
  /** Added to the clock of the service. */
  readonly clock: { aheadMs: number };
  /** A client with a connection of its own. */
  connect(address?: string): Client & Disposable;
  open(request?: OpenRequest): Promise<SessionAccess>;
  state(sessionId: string): Promise<Session>;
  snapshot(sessionId: string): Promise<Artifact>;
  /** The weights of an artifact. */
  weights(artifact: Artifact): Promise<Uint8Array>;
  /** Ends the service and opens it again on the same files. */
  restart(): Promise<void>;
  /** Bytes of all files below the sessions' folder. */
  staged(): Promise<number>;
  /** Every file below the sessions' folder. */
  leftovers(): Promise<string[]>;
  /** Whether the garbage collector of the catalog would take a blob. */
  collectable(digest: string): Promise<boolean>;
  /** How often the service logged a message. */
  logged(message: string): Promise<number>;
};

export async function startSessions(
  limits: Partial<SessionLimits> = {},
  { sweepMs = 60_000, verifyThread }: { readonly sweepMs?: number; readonly verifyThread?: URL } = {},
): Promise<SessionSystem> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory());
  const logFile = directory.join("log");
  const log = createLogger({ service: "test", destination: logFile });
  const bus = opening.use(await openLocalBus({ path: ":memory:" }));
  let catalogAheadMs = 0;
  const catalog = opening.use(
    await createCatalog({ directory: directory.join("catalog"), bus, log, now: () => Date.now() + catalogAheadMs }),
  );
  const catalogServer = opening.use(await serve({ address: "127.0.0.1:0", services: catalog.registrations, log, drainMs: 0 }));
  const channel = opening.use(connect(catalogServer.address));
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  let address = "127.0.0.1:0";

  const start = async () => {
    await using starting = new AsyncDisposableStack();
    const chunkBytes = { min: 1, max: 1 << 20 };
    const dependencies = {
      directory: directory.join("data"),
      clients: channel,
      log,
      now,
      sweepMs,
      ...(verifyThread ? { verifyThread } : {}),
      limits: { chunkBytes, checkedAtOnceBytes: 100_000, ...limits },
    };
    const sessions = starting.use(await createSessions(dependencies));
    const stop = new AbortController();
    const running = sessions.run(stop.signal);
    starting.defer(async () => {
      stop.abort();
      await running;
    });
    const server: RpcServer = starting.use(await serve({ address, services: sessions.registrations, log, drainMs: 0 }));
    address = server.address;
    return starting.move();
  };
  let running = await start();
  opening.defer(() => running.disposeAsync());
  let own = connect(address);
  let client = own.client(AveragingService);
  opening.defer(() => own.close());
  const artifacts = createArtifacts(channel);
  const files = async () => {
    const entries = await readdir(directory.join("data", "sessions"), { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  };
  const open = opening.move();
  return {
    get client() {
      return client;
    },
    get address() {
      return address;
    },
    artifacts,
    directory,
    clock,
    connect(at = address) {
      const channel = connect(at);
      return Object.assign(channel.client(AveragingService), { [Symbol.dispose]: () => channel.close() });
    },
    async open(request = {}) {
      const { session, secret } = await client.openSession(request);
      return { sessionId: session!.id, secret };
    },
    state: async (sessionId) => (await client.getSession({ sessionId })).session!,
    async snapshot(sessionId) {
      for await (const { event } of client.snapshot({ sessionId }, { timeoutMs: 60_000 }))
        if (event.case === "artifact") return event.value;
      throw new Error("no artifact came");
    },
    weights: ({ manifest }) => artifacts.download(layerOf(readManifest(manifest), mediaTypes.weights).digest),
    async restart() {
      // First: Deno aborts when a server says goodbye to a client of its own process that has just closed streams.
      own.close();
      await running.disposeAsync();
      running = await start();
      own = connect(address);
      client = own.client(AveragingService);
    },
    async staged() {
      const sizes = await Promise.all((await files()).map(async (path) => (await stat(path)).size));
      return sizes.reduce((sum, size) => sum + size, 0);
    },
    leftovers: files,
    async collectable(digest) {
      catalogAheadMs = 7_200_000;
      const { blobs } = await channel.client(CatalogService).collectGarbage({ dryRun: true, minAgeSeconds: 3600n });
      catalogAheadMs = 0;
      return blobs.includes(digest);
    },
    async logged(message) {
      const lines = (await readFile(logFile, "utf8")).split("\n");
      return lines.filter((line) => line.includes(`"msg":${JSON.stringify(message)}`)).length;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** The error of a call that has to fail. */
export async function rejection(promise: Promise<unknown>): Promise<RpcError> {
  return promise.then(
    () => assert.fail("it should have failed"),
    (error: RpcError) => error,
  );
}
