import type { Digest } from "#libs/recipes";
import type { BlobStore } from "#libs/storage";
import { firstMissing } from "./artifacts.ts";
import { CatalogError } from "./errors.ts";
import { isUsed } from "./garbage.ts";
import type { CatalogDatabase } from "./store/tables.ts";

/** Pins keep artifacts, and what they are made of, from the garbage collector; and single blobs, such as checkpoints. */
export type Pins = {
  /** All of them or none. Pinning twice is pinning once. CatalogError ARTIFACT_NOT_FOUND: a digest of neither an artifact nor a blob. */
  pin(holder: string, digests: readonly Digest[]): Promise<void>;
  /**
   * Lets go of what the holder pinned, if anything: of these digests, or of everything. `discard`: single blobs that nothing else needs are
   * deleted at once, however young.
   */
  unpin(holder: string, options?: { readonly digests?: readonly Digest[] | undefined; readonly discard?: boolean }): Promise<void>;
};

/** Keeps pins in the database. */
export function createPins(database: CatalogDatabase, store: BlobStore): Pins {
  return {
    async pin(holder, digests) {
      await database.transaction(async (tx) => {
        for (const digest of digests) {
          // Blobs are deleted inside a transaction too: what is seen here stays.
          const table = (await firstMissing(tx, [digest])) === undefined ? "pin" : "blob_pin";
          if (table === "blob_pin" && !(await store.stat(digest))) {
            throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact and no blob ${digest}; nothing was pinned`, { facts: { digest } });
          }
          await tx
            .insertInto(table)
            .values({ holder, digest })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
      });
    },
    async unpin(holder, { digests, discard = false } = {}) {
      await database.transaction(async (tx) => {
        const held = tx.selectFrom("blob_pin").select("digest").where("holder", "=", holder);
        const before = discard ? (await held.execute()).map(({ digest }) => digest) : [];
        for (const table of ["pin", "blob_pin"] as const) {
          const pins = tx.deleteFrom(table).where("holder", "=", holder);
          if (digests === undefined) await pins.execute();
          else for (const digest of digests) await pins.where("digest", "=", digest).execute();
        }
        const asked = new Set<string>(digests ?? before);
        for (const digest of before.filter((one) => asked.has(one))) if (!(await isUsed(tx, digest, new Set()))) await store.delete(digest);
      });
    },
  };
}
