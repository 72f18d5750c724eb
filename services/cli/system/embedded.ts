import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Bus, openLocalBus } from "#libs/bus";
import { NoSpaceError } from "#libs/files";
import { connect, implement, type ServerTls, serve } from "#libs/rpc";
import { runtimeName, runtimeVersion, type Service, usageHere, VERSION } from "#libs/service";
import { type Entrance, lockDirectory } from "#libs/storage";
import type { Logger } from "#libs/telemetry";
import { streams } from "#libs/topics";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { createAveraging } from "../../averaging/index.ts";
import { createCatalog } from "../../catalog/index.ts";
import { createEvaluation } from "../../evaluation/index.ts";
import { createFinetune } from "../../finetune/index.ts";
import { watchEvents } from "../../gateway/index.ts";
import { createOci, type OciRegistry } from "../../oci/index.ts";
import { createRecycling } from "../../recycling/index.ts";
import { createSessions } from "../../sessions/index.ts";
import type { WebOptions } from "../../web/index.ts";
import { overheardLog } from "./overheard-log.ts";
import { onFreePort } from "./port.ts";
import { startTrainers, type Trainers } from "./trainers.ts";

/** How an embedded system is started. */
export type EmbeddedOptions = {
  readonly dataDirectory: string;
  /** `host:port` for clients that are told it; port 0 takes a free one. Without it there is only the entrance. */
  readonly address?: string | undefined;
  /** `host:port` of an OCI registry in front of the catalog, with the same token and certificate. Without it there is none. */
  readonly registry?: string | undefined;
  /** What others read of this process who find the directory locked. */
  readonly command?: string | undefined;
  /** One for each core by default. */
  readonly trainers?: number | undefined;
  /** What clients of `address` and of the registry have to present. */
  readonly token?: string | undefined;
  readonly tls?: ServerTls | undefined;
  readonly insecure?: boolean | undefined;
  /** Where it listens for HTTP, with the same token and certificate; without it, it does not. */
  readonly web?: Pick<WebOptions, "address" | "origins"> | undefined;
  /** A trainer that does not report for so long is lost; 15 by default. */
  readonly leaseSeconds?: number | undefined;
  /** Others may attach (`ratatouille up`), and interrupted runs go on by themselves. */
  readonly shared: boolean;
  /** Opens the log, below the data directory; called once the directory is this process's. */
  readonly openLog: () => Logger;
};

/** Every service in this process on one port, and trainers as child processes. */
export type EmbeddedSystem = AsyncDisposable & {
  /** Where it listens for clients. */
  readonly address: string;
  /** Where it listens for HTTP, as `http://host:port`. */
  readonly webUrl: string | undefined;
  /** `host:port` of the OCI registry, if there is one. */
  readonly registry: string | undefined;
  /** A loopback port of its own for this process, its trainers and clients that can read the data directory. */
  readonly entrance: Entrance;
  /** Rejects if a service breaks, no trainer can start or, unless the system is shared, the disk is full. Never resolves before the system is disposed. */
  readonly broken: Promise<never>;
};

/** Long calls, watches above all, are not waited for. */
const DRAIN_MS = 500;
/** How long trainers of other machines may take to report again after a restart. */
const ORPHAN_GRACE_MS = 5_000;

/**
 * Starts the whole system on a data directory, which it locks.
 * @throws DirectoryLockedError, DirectoryNotUsableError, RpcError (ADDRESS_IN_USE, INSECURE_ADDRESS).
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedSystem> {
  await using opening = new AsyncDisposableStack();
  const { dataDirectory: directory, shared, command, leaseSeconds } = options;
  const lock = opening.use(await lockDirectory(directory, { version: VERSION, command }));
  // Its own trainers end with it; who brings others has them go on.
  const orphanGraceMs = options.trainers === 0 ? ORPHAN_GRACE_MS : 0;
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  // On a full disk a run could not even write down that it failed, and services try again until there is room. `up` waits for that.
  const log = overheardLog(options.openLog(), (error) => {
    if (error instanceof NoSpaceError && !shared) broken.reject(error);
  });
  const onError = (err: unknown) => log.warn({ err }, "the bus failed and tries again");
  const bus = opening.use(await openLocalBus({ path: join(directory, "bus.sqlite"), streams, onError }));
  let trainers: Trainers | undefined;
  // Every user of this machine reaches its loopback ports; only who can read the data directory learns this token.
  const token = randomBytes(32).toString("base64url");
  const { channel, services, registrations } = opening.use(
    await onFreePort((address) =>
      openServices({
        directory,
        bus,
        log,
        address,
        token,
        shared,
        leaseSeconds,
        orphanGraceMs,
        trainers: () => trainers?.list() ?? [],
      }),
    ),
  );
  const entrance = { address: channel.address, token };
  const { address: outside, token: clientToken, tls, insecure } = options;
  const listener =
    outside === undefined
      ? undefined
      : opening.use(await serve({ address: outside, services: registrations, token: clientToken, tls, insecure, log, drainMs: DRAIN_MS }));
  const { web } = options;
  const reached = { clients: channel, token: clientToken, tls, insecure, log };
  // Not loaded where nobody wants it.
  const served = web && opening.use(await (await import("../../web/index.ts")).createWeb({ ...web, ...reached }));

  const blobs = join(directory, "blobs", "sha256");
  const oci: OciRegistry | undefined =
    options.registry === undefined
      ? undefined
      : opening.use(
          await createOci({ clients: channel, log, address: options.registry, token: clientToken, tls, insecure, directory: blobs }),
        );

  const stopper = new AbortController();
  const loops = services.map((service) =>
    service.run(stopper.signal).catch((error: unknown) => {
      log.error({ service: service.name, err: error }, "a service broke");
      broken.reject(error);
    }),
  );
  opening.defer(async () => {
    stopper.abort();
    await Promise.all(loops);
  });

  const count = options.trainers ?? availableParallelism();
  trainers = opening.use(startTrainers({ count, ...entrance, dataRoot: blobs, logPath: join(directory, "logs", "trainers.log"), log }));
  trainers.broken.catch(broken.reject);
  const address = listener?.address ?? entrance.address;
  if (shared) await lock.publish({ address, entrance });
  // Who looks at it may come in meanwhile. A system without trainers is gone in a moment.
  else if (count > 0) await lock.publish({ entrance });
  const open = opening.move();
  return {
    address,
    webUrl: served?.url,
    registry: oci?.address,
    entrance,
    broken: broken.promise,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

type ServicesOptions = Pick<EmbeddedOptions, "shared" | "leaseSeconds"> & {
  readonly directory: string;
  readonly bus: Bus;
  readonly log: Logger;
  readonly address: string;
  readonly token: string;
  readonly orphanGraceMs: number;
  readonly trainers: () => ReturnType<Trainers["list"]>;
};

/** The services, made and served for each other, the trainers and who has the token. They reach each other through the port, so it has to be known before. */
async function openServices({ directory, bus, log, address, token, shared, leaseSeconds, orphanGraceMs, trainers }: ServicesOptions) {
  await using opening = new AsyncDisposableStack();
  const channel = opening.use(connect(address, { token }));
  const own = { directory, bus, clients: channel, log };
  const services: readonly Service[] = [
    opening.use(await createCatalog(own)),
    opening.use(await createFinetune({ ...own, leaseSeconds, orphanGraceMs })),
    opening.use(await createAveraging({ ...own, store: join(directory, "blobs") })),
    opening.use(await createSessions(own)),
    opening.use(await createEvaluation({ clients: channel, log })),
    opening.use(await createRecycling({ ...own, resume: shared })),
  ];
  const system = implement(SystemService, {
    getSystem: () => ({
      version: VERSION,
      services: services.map(({ name }) => name),
      runtime: `${runtimeName()} ${runtimeVersion()}`,
      trainers: trainers(),
      usage: usageHere(),
    }),
    watchEvents: watchEvents(bus),
  });
  const registrations = [system, ...services.flatMap(({ registrations }) => registrations)];
  opening.use(await serve({ address, services: registrations, token, log, drainMs: DRAIN_MS }));
  // Before the server drains: Deno aborts when a server says goodbye to a client of its own process that has just closed streams.
  opening.defer(() => channel.close());
  const open = opening.move();
  return { channel, services, registrations, [Symbol.asyncDispose]: () => open.disposeAsync() };
}
