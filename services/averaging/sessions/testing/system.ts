import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { openLocalBus } from "#libs/bus";
import { layerOf, mediaTypes, readManifest } from "#libs/recipes";
import { connect, type RpcServer, type ServiceClient, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { AveragingService, type OpenSessionRequest, type Session } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createCatalog } from "../../../catalog/index.ts";
import { createAveraging } from "../../index.ts";
import type { SessionLimits } from "../limits.ts";
import type { Place } from "./client.ts";

type Client = ServiceClient<typeof AveragingService>;

/** The averaging service and a real catalog, each behind a port of its own. */
export type SessionSystem = AsyncDisposable & {
  readonly client: Client;
  readonly address: string;
  readonly artifacts: Artifacts;
  readonly directory: TemporaryDirectory;
  /** Added to the clock of the averaging service. */
  readonly clock: { aheadMs: number };
  /** A client with a connection of its own. */
  connect(): Client & Disposable;
  open(
    request?: Partial<
      Pick<
        OpenSessionRequest,
        | "method"
        | "weights"
        | "dtype"
        | "keep"
        | "expiresInSeconds"
        | "maxContributors"
        | "maxContributionBytes"
        | "licence"
        | "architecture"
      >
    >,
  ): Promise<Place>;
  state(sessionId: string): Promise<Session>;
  snapshot(sessionId: string): Promise<Artifact>;
  /** The weights of an artifact. */
  weights(artifact: Artifact): Promise<Uint8Array>;
  /** Ends the averaging service and opens it again on the same files. */
  restart(): Promise<void>;
  /** Every file below the sessions' folder. */
  leftovers(): Promise<string[]>;
  /** How often the service logged a message. */
  logged(message: string): Promise<number>;
};

export async function startSessions(limits: Partial<SessionLimits> = {}): Promise<SessionSystem> {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await temporaryDirectory());
  const logFile = directory.join("log");
  const log = createLogger({ service: "test", destination: logFile });
  const bus = opening.use(await openLocalBus({ path: ":memory:" }));
  const catalog = opening.use(await createCatalog({ directory: directory.join("catalog"), bus, log }));
  const catalogServer = opening.use(await serve({ address: "127.0.0.1:0", services: catalog.registrations, log, drainMs: 0 }));
  const channel = opening.use(connect(catalogServer.address));
  const clock = { aheadMs: 0 };
  const now = () => Date.now() + clock.aheadMs;
  let address = "127.0.0.1:0";

  const start = async () => {
    await using starting = new AsyncDisposableStack();
    const chunkBytes = { min: 1, max: 1 << 20 };
    const dependencies = { directory: directory.join("averaging"), clients: channel, log, now, limits: { chunkBytes, ...limits } };
    const averaging = starting.use(await createAveraging(dependencies));
    const stop = new AbortController();
    const running = averaging.run(stop.signal);
    starting.defer(async () => {
      stop.abort();
      await running;
    });
    const server: RpcServer = starting.use(await serve({ address, services: averaging.registrations, log, drainMs: 0 }));
    address = server.address;
    return starting.move();
  };
  let running = await start();
  opening.defer(() => running.disposeAsync());
  const client = opening.use(connect(address)).client(AveragingService);
  const artifacts = createArtifacts(channel);
  const open = opening.move();
  return {
    client,
    get address() {
      return address;
    },
    artifacts,
    directory,
    clock,
    connect() {
      const own = connect(address);
      return Object.assign(own.client(AveragingService), { [Symbol.dispose]: () => own.close() });
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
      await running.disposeAsync();
      running = await start();
    },
    async leftovers() {
      const entries = await readdir(directory.join("averaging", "sessions"), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    },
    async logged(message) {
      const lines = (await readFile(logFile, "utf8")).split("\n");
      return lines.filter((line) => line.includes(`"msg":${JSON.stringify(message)}`)).length;
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
