import { type RawBuilder, sql, type Transaction } from "kysely";
import type { Digest } from "#libs/recipes";
import type { BlobStore } from "#libs/storage";
import { firstMissing } from "./artifacts.ts";
import { forgetChunks } from "./chunks.ts";
import { CatalogError } from "./errors.ts";
import { retainedBy, toRule } from "./retention.ts";
import type { CatalogDatabase, CatalogTables } from "./store/tables.ts";

/** What went, or would go; and what nothing needs either, but is younger than the cutoff. */
export type Collected = {
  readonly artifacts: string[];
  readonly blobs: string[];
  readonly freedBytes: number;
  readonly young: { readonly artifacts: number; readonly blobs: number; readonly bytes: number };
};

/** A reply has room for so many digests of each sort. What is left goes the next time. */
const MAX_COLLECTED = 20_000;
/** Blobs deleted in one transaction: publications wait for it. */
const BATCH = 50;

/**
 * Deletes artifacts that no ref, no tag, no pin, no retention rule and nothing younger than `minAgeMs` needs, themselves or through inputs of inputs,
 * and blobs of that age that no remaining artifact and no pin uses. Blobs that are just being uploaded are not in the store yet.
 * A process killed in between leaves blobs without artifacts, which the next collection takes.
 */
export async function collectGarbage(
  { database, store }: { database: CatalogDatabase; store: BlobStore },
  { now, minAgeMs, dryRun, signal }: { now: number; minAgeMs: number; dryRun: boolean; signal: AbortSignal },
): Promise<Collected> {
  const cutoff = now - minAgeMs;
  const { artifacts, unneeded } = await database.transaction(async (tx) => {
    const rules = (await tx.selectFrom("retention_rule").selectAll().execute()).map(toRule);
    const retained = retainedBy(rules, now);
    const artifacts = await findUnneeded(tx, cutoff, retained);
    const unneeded = await findUnneeded(tx, Number.MAX_SAFE_INTEGER, retained);
    if (!dryRun) await deleteArtifacts(tx, artifacts);
    return { artifacts, unneeded: new Set([...unneeded, ...artifacts]) };
  });
  const doomed = new Set(artifacts);
  const candidates: { digest: string; size: number }[] = [];
  const young = { artifacts: [...unneeded].filter((digest) => !doomed.has(digest)).length, blobs: 0, bytes: 0 };
  for await (const { digest, size, modifiedMs } of store.list()) {
    signal.throwIfAborted();
    if (await isUsed(database.query, digest, unneeded)) continue;
    if (modifiedMs > cutoff || (await isUsed(database.query, digest, doomed))) {
      young.blobs++;
      young.bytes += size;
    } else candidates.push({ digest, size });
    if (candidates.length === MAX_COLLECTED) break;
  }
  const gone = dryRun ? candidates : await deleteBlobs({ database, store }, candidates, { cutoff, signal });
  return { artifacts, blobs: gone.map(({ digest }) => digest), freedBytes: gone.reduce((sum, { size }) => sum + size, 0), young };
}

/** Deletes one artifact that no ref, no tag, no pin and no other artifact needs. CatalogError ARTIFACT_NOT_FOUND, ARTIFACT_NEEDED. */
export async function deleteArtifact(database: CatalogDatabase, digest: Digest): Promise<void> {
  await database.transaction(async (tx) => {
    if (await firstMissing(tx, [digest])) throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact ${digest}`, { facts: { digest } });
    const ref = await tx.selectFrom("ref").select("name").where("digest", "=", digest).limit(1).executeTakeFirst();
    const pin = await tx.selectFrom("pin").select("holder").where("digest", "=", digest).limit(1).executeTakeFirst();
    const { sequence } = await tx.selectFrom("artifact").select("sequence").where("digest", "=", digest).executeTakeFirstOrThrow();
    const tag = await tx.selectFrom("tag").select("name").where("artifact", "=", sequence).limit(1).executeTakeFirst();
    const user = await tx
      .selectFrom("artifact_input")
      .innerJoin("artifact", "artifact.sequence", "artifact_input.artifact")
      .select("artifact.digest")
      .where("input", "=", sequence)
      .limit(1)
      .executeTakeFirst();
    const name = ref ? `the ref ${ref.name}` : tag && `the tag ${tag.name}`;
    const needs = name ?? (pin ? `the pin of ${pin.holder}` : user && `the artifact ${user.digest}`);
    if (needs !== undefined) {
      throw new CatalogError("ARTIFACT_NEEDED", `artifact ${digest} is needed by ${needs}`, { facts: { digest } });
    }
    await deleteArtifacts(tx, [digest]);
  });
}

/** Newest first, so that whatever uses an artifact comes before it, and a part of the list can be deleted alone. */
async function findUnneeded(tx: Transaction<CatalogTables>, cutoff: number, retained: readonly RawBuilder<unknown>[]): Promise<string[]> {
  const { rows } = await sql<{ digest: string }>`
    with recursive needed (sequence) as (
      select sequence from artifact where digest in (select digest from ref union select digest from pin)
      union select artifact from tag where artifact is not null
      union select sequence from artifact where touched_at > ${cutoff}
      ${sql.join(
        retained.map((sequences) => sql`union ${sequences}`),
        sql` `,
      )}
      union select input from artifact_input join needed on artifact_input.artifact = needed.sequence)
    select digest from artifact where sequence not in (select sequence from needed) order by sequence desc limit ${MAX_COLLECTED}`.execute(
    tx,
  );
  return rows.map(({ digest }) => digest);
}

async function deleteArtifacts(tx: Transaction<CatalogTables>, digests: readonly string[]): Promise<void> {
  for (const digest of digests) await tx.deleteFrom("artifact").where("digest", "=", digest).execute();
}

/** Whether a pin, or an artifact that is not doomed, needs a blob. */
export async function isUsed(
  query: Pick<Transaction<CatalogTables>, "selectFrom">,
  blob: string,
  doomed: ReadonlySet<string>,
): Promise<boolean> {
  const pinned = await query.selectFrom("blob_pin").select("holder").where("digest", "=", blob).limit(1).executeTakeFirst();
  if (pinned) return true;
  const users = await query.selectFrom("artifact_blob").select("artifact").where("blob", "=", blob).execute();
  return users.some(({ artifact }) => !doomed.has(artifact));
}

/** Inside a transaction, because no publication may come between the look at who uses a blob and its end. */
async function deleteBlobs(
  { database, store }: { database: CatalogDatabase; store: BlobStore },
  candidates: readonly { digest: string; size: number }[],
  { cutoff, signal }: { cutoff: number; signal: AbortSignal },
): Promise<{ digest: string; size: number }[]> {
  const gone: { digest: string; size: number }[] = [];
  for (let start = 0; start < candidates.length; start += BATCH) {
    signal.throwIfAborted();
    await database.transaction(async (tx) => {
      for (const blob of candidates.slice(start, start + BATCH)) {
        if (await isUsed(tx, blob.digest, new Set())) continue;
        if (!(await store.delete(blob.digest, { notAfterMs: cutoff }))) continue;
        await forgetChunks(tx, blob.digest);
        gone.push(blob);
      }
    });
  }
  return gone;
}
