import { createArtifacts } from "#libs/artifacts";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createAverager } from "./averager.ts";
import { createCheckService } from "./check-service.ts";
import { createAveragingService } from "./service.ts";
import { openSessions, type SessionLimits } from "./sessions/index.ts";

/** What the averaging service needs. */
export type AveragingDependencies = {
  /** What sessions have lies here: `averaging.sqlite` and the folder `sessions`. Who starts the process locks it. */
  readonly directory: string;
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** What sessions may take; the defaults unless given. */
  readonly limits?: Partial<SessionLimits>;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
  /** Time between looks for sessions that have expired. */
  readonly sweepMs?: number;
};

/** The averaging service. Averages have no state: models are read from the catalog, and what is made is there. Sessions have theirs here. */
export async function createAveraging(dependencies: AveragingDependencies): Promise<Service> {
  const { clients, log } = dependencies;
  const artifacts = createArtifacts(clients);
  const averager = createAverager({ artifacts, log });
  const sessions = await openSessions(dependencies);
  return {
    name: "averaging",
    registrations: [
      implement(AveragingService, { ...createAveragingService(averager), ...createCheckService(artifacts), ...sessions.methods }),
    ],
    run: (signal) => sessions.run(signal),
    checks: sessions.checks,
    [Symbol.asyncDispose]: () => sessions[Symbol.asyncDispose](),
  };
}
