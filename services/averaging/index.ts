import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { type Clients, implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import type { Logger } from "#libs/telemetry";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createAverager } from "./averager.ts";
import { createCheckService } from "./check-service.ts";
import { createLocalStore } from "./local-store.ts";
import { openScratch } from "./scratch.ts";
import { createAveragingService } from "./service.ts";

/** Room for files of members, unless it is set. */
const SCRATCH_BYTES = 64 * 2 ** 30;

/** What the averaging service needs. */
export type AveragingDependencies = {
  /** The folder `averages` in it has files of members, which are removed at the start. Who starts the process locks it. */
  readonly directory: string;
  /** Reach the catalog. */
  readonly clients: Clients;
  readonly log: Logger;
  /** Room for files of members. */
  readonly scratchBytes?: number;
  /** The catalog's folder `blobs`, where it is on this machine: members are read there, and results put there, without being copied. */
  readonly store?: string | undefined;
};

/** The averaging service. It has no state but copies of the members of averages: what is made is in the catalog. */
export async function createAveraging(dependencies: AveragingDependencies): Promise<Service> {
  const { clients, log } = dependencies;
  const artifacts = createArtifacts(clients);
  const limitBytes = dependencies.scratchBytes ?? SCRATCH_BYTES;
  const catalog = clients.client(CatalogService);
  const store = dependencies.store === undefined ? undefined : createLocalStore(dependencies.store, { artifacts, catalog });
  const scratch = await openScratch(join(dependencies.directory, "averages"), { artifacts, limitBytes, store });
  const averager = createAverager({ artifacts, scratch, store, log });
  return {
    name: "averaging",
    registrations: [implement(AveragingService, { ...createAveragingService(averager), ...createCheckService(artifacts) })],
    // Work happens inside calls only.
    run: async () => {},
    checks: [],
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}
