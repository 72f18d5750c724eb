import { access, constants } from "node:fs/promises";
import { join, sep } from "node:path";
import { type Bus, createOutbox } from "#libs/bus";
import { implement } from "#libs/rpc";
import type { Service } from "#libs/service";
import { openBlobStore, openDatabase } from "#libs/storage";
import type { Logger } from "#libs/telemetry";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { openCatalog } from "./catalog.ts";
import { indexAll } from "./indexing.ts";
import { createCatalogService } from "./service.ts";
import { migrations } from "./store/migrations.ts";
import type { CatalogTables } from "./store/tables.ts";

export { storedRefs } from "./stored.ts";

/** What the catalog needs. */
export type CatalogDependencies = {
  /** Its own directory: `catalog.sqlite` and `blobs/`. Who starts the process locks it (`lockDirectory`). */
  readonly directory: string;
  readonly bus: Pick<Bus, "publish">;
  readonly log: Logger;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
  /** Bytes that one lookup reads at most to verify blobs that were not verified since the start; 128 MiB by default. */
  readonly verifyAtLookupBytes?: number;
};

const VERIFY_AT_LOOKUP_BYTES = 128 << 20;

/** Opens the catalog in its directory, which is created if need be. Errors: those of `openDatabase` and `openBlobStore`. */
export async function createCatalog(dependencies: CatalogDependencies): Promise<Service> {
  const { directory, bus, log, now = Date.now, verifyAtLookupBytes = VERIFY_AT_LOOKUP_BYTES } = dependencies;
  const blobs = join(directory, "blobs");
  const store = await openBlobStore(blobs);
  const database = await openDatabase<CatalogTables>({ path: join(directory, "catalog.sqlite"), migrations });
  await indexAll({ database, store, log });
  const outbox = createOutbox(database);
  const catalog = openCatalog({ store, database, outbox, log, now, verifyAtLookupBytes });
  return {
    name: "catalog",
    registrations: [implement(CatalogService, createCatalogService(catalog))],
    async run(signal) {
      const relaying = outbox.relay(bus, {
        signal,
        onError: (err) => log.warn({ err }, "events wait for the bus"),
        onRefused: (event, err) => log.error({ event, err }, "the bus refuses an event; it is set aside"),
      });
      await Promise.all([relaying, catalog.chunks.run(signal)]);
    },
    checks: [
      { name: "database", vital: true, check: () => database.check() },
      { name: "events", vital: false, check: () => outbox.check() },
      // Without the bytes, what is known about artifacts can still be told.
      // With the separator at its end the path is one of a directory, and not of a file that took its place.
      { name: "blobs", vital: false, check: () => access(join(blobs, sep), constants.R_OK | constants.W_OK | constants.X_OK) },
    ],
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}
