import type { Digest } from "#libs/recipes";
import type { Page } from "./artifacts.ts";
import { CatalogError } from "./errors.ts";
import type { CatalogDatabase } from "./store/tables.ts";

/** A name that never means another artifact. */
export type TagRecord = { readonly name: string; readonly digest: Digest; readonly taggedAt: number };

/** The tags. Where refs say what is current, tags say what a version is. */
export type Tags = {
  /** CatalogError TAG_TAKEN where it names, or named, another artifact; ARTIFACT_NOT_FOUND. */
  create(name: string, digest: Digest): Promise<TagRecord>;
  /** CatalogError TAG_NOT_FOUND. */
  remove(name: string): Promise<void>;
  /** In the order of names, from the one after `after`. */
  list(options: { prefix: string; size: number; after?: string | undefined }): Promise<Page<TagRecord, string>>;
};

/** Keeps tags in the database. `now` is in ms since 1970. */
export function createTags({ database, now }: { database: CatalogDatabase; now: () => number }): Tags {
  return {
    create: (name, digest) =>
      database.transaction(async (tx) => {
        const before = await tx.selectFrom("tag").selectAll().where("name", "=", name).executeTakeFirst();
        if (before && before.digest !== digest) {
          const what = before.artifact === null ? "was removed, and it named" : "names";
          throw new CatalogError("TAG_TAKEN", `the tag ${name} ${what} ${before.digest}; a tag never means another artifact`, {
            facts: { tag: name, digest: before.digest },
          });
        }
        if (before && before.artifact !== null) return recordOf(before);
        const artifact = await tx.selectFrom("artifact").select("sequence").where("digest", "=", digest).executeTakeFirst();
        if (!artifact) throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact ${digest}`, { facts: { digest } });
        const row = { name, digest, artifact: artifact.sequence, tagged_at: now() };
        await tx
          .insertInto("tag")
          .values(row)
          .onConflict((conflict) => conflict.column("name").doUpdateSet({ artifact: row.artifact, tagged_at: row.tagged_at }))
          .execute();
        return recordOf(row);
      }),

    async remove(name) {
      const removed = await database.transaction((tx) =>
        tx.updateTable("tag").set({ artifact: null }).where("name", "=", name).where("artifact", "is not", null).executeTakeFirst(),
      );
      if (removed.numUpdatedRows === 0n)
        throw new CatalogError("TAG_NOT_FOUND", `no tag ${JSON.stringify(name)}`, { facts: { tag: name } });
    },

    async list({ prefix, size, after }) {
      let select = database.query
        .selectFrom("tag")
        .selectAll()
        .where("artifact", "is not", null)
        .orderBy("name")
        .limit(size + 1);
      if (after !== undefined) select = select.where("name", ">", after);
      if (prefix !== "") select = select.where("name", ">=", prefix).where("name", "<", `${prefix}\u{10ffff}`);
      const rows = await select.execute();
      const items = rows.slice(0, size).map(recordOf);
      return { items, next: rows.length > size ? items.at(-1)?.name : undefined };
    },
  };
}

function recordOf({ name, digest, tagged_at }: { name: string; digest: string; tagged_at: number }): TagRecord {
  return { name, digest: digest as Digest, taggedAt: tagged_at };
}
