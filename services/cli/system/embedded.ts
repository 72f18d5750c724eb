import { createServer } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { busService, openLocalBus } from "#libs/bus";
import { connect, implement, isLoopback, type ServerTls, serve } from "#libs/rpc";
import { runtimeName, runtimeVersion, type Service, VERSION } from "#libs/service";
import { lockDirectory } from "#libs/storage";
import type { Logger } from "#libs/telemetry";
import { streams } from "#libs/topics";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { createAveraging } from "../../averaging/index.ts";
import { createCatalog } from "../../catalog/index.ts";
import { createEvaluation } from "../../evaluation/index.ts";
import { createFinetune } from "../../finetune/index.ts";
import { createRecycling } from "../../recycling/index.ts";
import { startTrainers, type Trainers } from "./trainers.ts";

/** How an embedded system is started. */
export type EmbeddedOptions = {
  readonly dataDirectory: string;
  /** `host:port`; without it a free port of the loopback interface. */
  readonly address?: string | undefined;
  /** One for each core by default. */
  readonly trainers?: number | undefined;
  readonly token?: string | undefined;
  readonly tls?: ServerTls | undefined;
  readonly insecure?: boolean | undefined;
  /** Others may attach (`ratatouille up`), and interrupted runs go on by themselves. */
  readonly shared: boolean;
  /** Opens the log, below the data directory; called once the directory is this process's. */
  readonly openLog: () => Logger;
};

/** Every service in this process on one port, and trainers as child processes. */
export type EmbeddedSystem = AsyncDisposable & {
  readonly address: string;
  /** Rejects if a service breaks or no trainer can start. Never resolves before the system is disposed. */
  readonly broken: Promise<never>;
};

/** Long calls, watches above all, are not waited for. */
const DRAIN_MS = 500;

/**
 * Starts the whole system on a data directory, which it locks.
 * @throws DirectoryLockedError, DirectoryNotUsableError, RpcError (ADDRESS_IN_USE, INSECURE_ADDRESS).
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedSystem> {
  await using opening = new AsyncDisposableStack();
  const { dataDirectory: directory, token, shared } = options;
  const lock = opening.use(await lockDirectory(directory, { version: VERSION }));
  const log = options.openLog();
  const onError = (err: unknown) => log.warn({ err }, "the bus failed and tries again");
  const bus = opening.use(await openLocalBus({ path: join(directory, "bus.sqlite"), streams, onError }));
  const stopper = new AbortController();
  const { tls, insecure, address: outside } = options;
  // Services and trainers talk over loopback without TLS; what the world sees is a listener of its own where it differs.
  const shareable = outside !== undefined && !tls && isLoopback(outside);
  const address = shareable ? outside : `127.0.0.1:${await freePort()}`;
  const channel = connect(address, { token });
  opening.defer(() => channel.close());
  const own = { directory, bus, channel, log };
  const services: Service[] = [
    opening.use(await createCatalog(own)),
    opening.use(await createFinetune({ ...own, orphanGraceMs: 0 })),
    opening.use(await createAveraging(own)),
    opening.use(await createEvaluation({ channel, log })),
    opening.use(await createRecycling({ ...own, resume: shared })),
  ];
  let trainers: Trainers | undefined;
  const system = implement(SystemService, {
    getSystem: () => ({
      version: VERSION,
      services: services.map(({ name }) => name),
      runtime: `${runtimeName()} ${runtimeVersion()}`,
      trainers: trainers?.list() ?? [],
    }),
  });
  const registrations = [system, busService(bus), ...services.flatMap(({ registrations }) => registrations)];
  const server = opening.use(await serve({ address, services: registrations, token, log, drainMs: DRAIN_MS }));
  const listener =
    outside === undefined || shareable
      ? server
      : opening.use(await serve({ address: outside, services: registrations, token, tls, insecure, log, drainMs: DRAIN_MS }));

  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const loops = services.map((service) =>
    service.run(stopper.signal).catch((error: unknown) => {
      log.error({ service: service.name, error }, "a service broke");
      broken.reject(error);
    }),
  );
  opening.defer(async () => {
    stopper.abort();
    await Promise.all(loops);
  });

  const count = options.trainers ?? availableParallelism();
  trainers = opening.use(startTrainers({ count, address, token, logPath: join(directory, "logs", "trainers.log"), log }));
  trainers.broken.catch(broken.reject);
  if (shared) await lock.publish({ address });
  const open = opening.move();
  return { address: listener.address, broken: broken.promise, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** The services reach each other through the port, so it has to be known before they are made. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const bound = probe.address();
      probe.close(() => resolve(typeof bound === "object" && bound ? bound.port : 0));
    });
  });
}
