import { createArtifacts } from "#libs/artifacts";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createAverager } from "./averager.ts";
import { createAveragingService } from "./service.ts";

/** What the averaging service needs. */
export type AveragingDependencies = {
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
};

/** The averaging service. It has no state: models are read from the catalog, and what it makes is there. */
export async function createAveraging({ clients, log }: AveragingDependencies): Promise<Service> {
  const averager = createAverager({ artifacts: createArtifacts(clients), log });
  return {
    name: "averaging",
    registrations: [implement(AveragingService, createAveragingService(averager))],
    // Work happens inside calls only.
    run: async () => {},
    checks: [],
    [Symbol.asyncDispose]: async () => {},
  };
}
