import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createAverager } from "./averager.ts";
import { createCheckService } from "./check-service.ts";
import { openScratch } from "./scratch.ts";
import { createAveragingService } from "./service.ts";
import { openSessions, type SessionLimits } from "./sessions/index.ts";

/** Room for files of members, unless it is set. */
const SCRATCH_BYTES = 64 * 2 ** 30;

/** What the averaging service needs. */
export type AveragingDependencies = {
  /**
   * What sessions have lies here: `averaging.sqlite` and the folder `sessions`. The folder `averages` has files of members, which are
   * removed at the start. Who starts the process locks it.
   */
  readonly directory: string;
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** What sessions may take; the defaults unless given. */
  readonly limits?: Partial<SessionLimits>;
  /** Room for files of members. */
  readonly scratchBytes?: number;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
  /** Time between looks for sessions that have expired. */
  readonly sweepMs?: number;
};

/** The averaging service. Averages have no state but copies of their members: what is made is in the catalog. Sessions have theirs here. */
export async function createAveraging(dependencies: AveragingDependencies): Promise<Service> {
  const { clients, log } = dependencies;
  const artifacts = createArtifacts(clients);
  await using opening = new AsyncDisposableStack();
  const limitBytes = dependencies.scratchBytes ?? SCRATCH_BYTES;
  const scratch = opening.use(await openScratch(join(dependencies.directory, "averages"), { artifacts, limitBytes }));
  const averager = createAverager({ artifacts, scratch, log });
  const sessions = opening.use(await openSessions(dependencies));
  const open = opening.move();
  return {
    name: "averaging",
    registrations: [
      implement(AveragingService, { ...createAveragingService(averager), ...createCheckService(artifacts), ...sessions.methods }),
    ],
    run: (signal) => sessions.run(signal),
    checks: sessions.checks,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
