import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createClaims } from "./claims.ts";
import type { SessionContext } from "./context.ts";
import { createCredits } from "./credits.ts";
import { adoptEarlier, DATABASE, FOLDER } from "./earlier.ts";
import { createSessionFiles } from "./files.ts";
import { createFolds } from "./folds.ts";
import { createGarbageWatch } from "./garbage.ts";
import { createKeyedPulses, createLocks } from "./keyed.ts";
import { recover, sweepAgain } from "./lifecycle.ts";
import { defaultLimits, type SessionLimits } from "./limits.ts";
import { observeSessions } from "./metrics.ts";
import { createSessionService } from "./service.ts";
import { createStaging } from "./staging.ts";
import { openSessionStore } from "./store/store.ts";
import { createVerifiers } from "./verifiers.ts";

/** Threads that look at what arrives: more than one network brings to one process they would not be able to take. */
const MOST_VERIFIERS = 4;

/** What the service of sessions needs. */
export type SessionDependencies = {
  /** `sessions.sqlite` and the folder `sessions` lie here. Who starts the process locks it. */
  readonly directory: string;
  /** Where an averaging service that had the sessions itself kept them; what is there is taken over. `directory` unless given. */
  readonly earlier?: string;
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** Those that are not given are the defaults. */
  readonly limits?: Partial<SessionLimits>;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
  /** Time between looks for sessions that have expired. */
  readonly sweepMs?: number;
  /** What the threads run that look at contributions; `verify-thread.ts` by default. */
  readonly verifyThread?: URL;
};

/** The service of sessions: averages that grow while contributions arrive. Goes on with those that are in its directory. */
export async function createSessions(dependencies: SessionDependencies): Promise<Service> {
  const { directory, earlier = directory, clients, log, now = Date.now, sweepMs = 10_000, verifyThread } = dependencies;
  // One core is for those who send.
  const others = Math.max(1, availableParallelism() - 1);
  const limits = { ...defaultLimits, ...dependencies.limits };
  await using opening = new AsyncDisposableStack();
  if (await adoptEarlier(earlier, directory)) log.info({ earlier, directory }, "the sessions of the averaging service are taken over");
  const store = opening.use(await openSessionStore(join(directory, DATABASE)));
  const context: SessionContext = {
    store,
    files: createSessionFiles(join(directory, FOLDER)),
    claims: opening.use(createClaims(limits)),
    credits: createCredits(limits),
    received: createGarbageWatch(),
    verifiers: opening.use(
      createVerifiers({ smallBytes: limits.checkedAtOnceBytes, threads: Math.min(MOST_VERIFIERS, others), module: verifyThread }),
    ),
    staging: createStaging(limits),
    locks: createLocks(),
    closings: createLocks(),
    changes: createKeyedPulses(),
    limits,
    artifacts: createArtifacts(clients),
    catalog: clients.client(CatalogService),
    log,
    now,
    threads: () => (context.claims.count > 0 ? others : availableParallelism()),
  };
  await recover(context);
  const folds = opening.use(createFolds(context));
  const open = opening.move();
  return {
    name: "sessions",
    registrations: [implement(AveragingService, createSessionService(context, folds))],
    checks: [{ name: "database", vital: true, check: () => store.check() }],
    async run(signal) {
      using _gauges = observeSessions(context);
      await sweepAgain(context, folds, sweepMs, signal);
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
