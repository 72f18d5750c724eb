import type { Digest } from "#libs/recipes";
import { firstMissing } from "./artifacts.ts";
import { CatalogError } from "./errors.ts";
import type { CatalogDatabase } from "./store/tables.ts";

/** Pins keep artifacts, and what they are made of, from the garbage collector. */
export type Pins = {
  /** All of them or none. Pinning twice is pinning once. CatalogError ARTIFACT_NOT_FOUND. */
  pin(holder: string, digests: readonly Digest[]): Promise<void>;
  /** Lets go of everything that the holder pinned, if anything. */
  unpin(holder: string): Promise<void>;
};

/** Keeps pins in the database. */
export function createPins(database: CatalogDatabase): Pins {
  return {
    async pin(holder, digests) {
      await database.transaction(async (tx) => {
        const missing = await firstMissing(tx, digests);
        if (missing)
          throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact ${missing}; nothing was pinned`, { facts: { digest: missing } });
        for (const digest of digests) {
          await tx
            .insertInto("pin")
            .values({ holder, digest })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
      });
    },
    async unpin(holder) {
      await database.query.deleteFrom("pin").where("holder", "=", holder).execute();
    },
  };
}
