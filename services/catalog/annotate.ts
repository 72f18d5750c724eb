import type { Digest } from "#libs/recipes";
import type { BlobStore } from "#libs/storage";
import { CatalogError, invalidField } from "./errors.ts";
import { readFacts } from "./facts.ts";
import { indexArtifact } from "./indexing.ts";
import type { CatalogDatabase } from "./store/tables.ts";

const MOST_ANNOTATIONS = 64;

/** What is noted of an artifact from now on, and what no more. */
export type Annotating = { readonly digest: Digest; readonly set: ReadonlyMap<string, string>; readonly remove: readonly string[] };

/** Sets and removes annotations, all or none. CatalogError ARTIFACT_NOT_FOUND; INVALID_FIELD where there would be too many. */
export async function annotate(
  { database, store }: { database: CatalogDatabase; store: BlobStore },
  { digest, set, remove }: Annotating,
): Promise<void> {
  const found = await database.query
    .selectFrom("artifact")
    .select(["sequence", "manifest"])
    .where("digest", "=", digest)
    .executeTakeFirst();
  const facts = found && (await readFacts(found.manifest, store));
  await database.transaction(async (tx) => {
    const row = await tx.selectFrom("artifact").select("sequence as artifact").where("digest", "=", digest).executeTakeFirst();
    if (!row || !facts || row.artifact !== found.sequence)
      throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact ${digest}`, { facts: { digest } });
    const { artifact } = row;
    for (const name of remove) await tx.deleteFrom("annotation").where("artifact", "=", artifact).where("name", "=", name).execute();
    for (const [name, value] of set)
      await tx
        .insertInto("annotation")
        .values({ artifact, name, value })
        .onConflict((conflict) => conflict.doUpdateSet({ value }))
        .execute();
    const { count } = await tx
      .selectFrom("annotation")
      .select((select) => select.fn.countAll<number>().as("count"))
      .where("artifact", "=", artifact)
      .executeTakeFirstOrThrow();
    if (count > MOST_ANNOTATIONS)
      throw invalidField("set", `an artifact has at most ${MOST_ANNOTATIONS} annotations, this would have ${count}`);
    await indexArtifact(tx, artifact, facts);
  });
}
