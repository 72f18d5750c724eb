import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import type { Clients } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createClaims } from "./claims.ts";
import type { SessionContext } from "./context.ts";
import { createCredits } from "./credits.ts";
import { createSessionFiles } from "./files.ts";
import { createFolds } from "./folds.ts";
import { createGarbageWatch } from "./garbage.ts";
import { createHashes } from "./hashes.ts";
import { createLocks, createNews } from "./keyed.ts";
import { recover, sweepAgain } from "./lifecycle.ts";
import { defaultLimits, type SessionLimits } from "./limits.ts";
import { observeSessions } from "./metrics.ts";
import { createSessionService, type SessionMethods } from "./service.ts";
import { createStaging } from "./staging.ts";
import { openSessionStore } from "./store.ts";

export type { SessionLimits } from "./limits.ts";

/** What sessions need. */
export type SessionDependencies = {
  /** `averaging.sqlite` and the folder `sessions` lie here. Who starts the process locks it. */
  readonly directory: string;
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** Those that are not given are the defaults. */
  readonly limits?: Partial<SessionLimits>;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
  readonly sweepMs?: number;
};

/** Averages that grow while contributions arrive. */
export type Sessions = Pick<Service, "run" | "checks"> & AsyncDisposable & { readonly methods: SessionMethods };

/** Opens the sessions that are in a directory. */
export async function openSessions(dependencies: SessionDependencies): Promise<Sessions> {
  const { directory, clients, log, now = Date.now, sweepMs = 10_000 } = dependencies;
  const limits = { ...defaultLimits, ...dependencies.limits };
  await using opening = new AsyncDisposableStack();
  const store = opening.use(await openSessionStore(join(directory, "averaging.sqlite")));
  const context: SessionContext = {
    store,
    files: createSessionFiles(join(directory, "sessions")),
    claims: opening.use(createClaims(limits)),
    credits: createCredits(limits),
    received: createGarbageWatch(),
    hashes: opening.use(createHashes(limits.hashedAtOnceBytes)),
    staging: createStaging(limits),
    locks: createLocks(),
    news: createNews(),
    limits,
    artifacts: createArtifacts(clients),
    catalog: clients.client(CatalogService),
    log,
    now,
    // One is for those who send.
    threads: Math.max(1, availableParallelism() - 1),
  };
  await recover(context);
  const folds = opening.use(createFolds(context));
  const open = opening.move();
  return {
    methods: createSessionService(context, folds),
    checks: [{ name: "sessions", vital: false, check: () => store.check() }],
    async run(signal) {
      using _gauges = observeSessions(context);
      await sweepAgain(context, folds, sweepMs, signal);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
