import { sql } from "kysely";
import { type Digest, digestOf, isDigest, readManifest } from "#libs/recipes";
import type { BlobStore } from "#libs/storage";
import type { Blobs } from "./blobs.ts";
import { isUnusable } from "./contents.ts";
import type { CatalogDatabase } from "./store/tables.ts";

/** Where a check is: behind a blob, or, when all blobs are done, behind an artifact. */
export type CheckPosition = { readonly blob: Digest } | { readonly artifact: number };

export type Fault = {
  readonly kind: "blob-corrupted" | "blob-missing" | "manifest" | "reference";
  readonly digest: string;
  readonly artifacts: readonly string[];
  readonly message: string;
};

export type Counts = { readonly blobs: number; readonly bytes: number; readonly artifacts: number };

export type CheckEvent =
  | { readonly is: "progress"; readonly counts: Counts; readonly position: CheckPosition }
  | { readonly is: "fault"; readonly fault: Fault }
  | { readonly is: "done"; readonly counts: Counts; readonly faults: number };

/** Artifacts that are looked at between two looks at the database. */
const BATCH = 200;
/** Progress is told at least after so many bytes and blobs. */
const [TOLD_BYTES, TOLD_BLOBS] = [256 << 20, 256];

/** Checks all that is stored from a position on; see CheckCatalog. Others are served between two chunks. */
export async function* checkCatalog(
  { store, blobs, database }: { store: BlobStore; blobs: Blobs; database: CatalogDatabase },
  { from, signal }: { from: CheckPosition | undefined; signal: AbortSignal },
): AsyncGenerator<CheckEvent, void, undefined> {
  const counts = { blobs: 0, bytes: 0, artifacts: 0 };
  let faults = 0;
  const told = (fault: Fault): CheckEvent => {
    faults++;
    return { is: "fault", fault };
  };
  if (from === undefined || "blob" in from) {
    let [untoldBytes, untoldBlobs] = [0, 0];
    for await (const { digest, size } of store.list({ after: from?.blob })) {
      const damage = await blobs.recheck(digest, signal);
      counts.blobs++;
      counts.bytes += size;
      if (damage) yield told({ kind: "blob-corrupted", digest, artifacts: damage.artifacts, message: damage.problem });
      untoldBytes += size;
      if (++untoldBlobs < TOLD_BLOBS && untoldBytes < TOLD_BYTES) continue;
      yield { is: "progress", counts: { ...counts }, position: { blob: digest } };
      [untoldBytes, untoldBlobs] = [0, 0];
    }
  }
  let after = from !== undefined && "artifact" in from ? from.artifact : 0;
  for (;;) {
    signal.throwIfAborted();
    const rows = await database.query
      .selectFrom("artifact")
      .select(["sequence", "digest", "manifest", "recipe_key"])
      .where("sequence", ">", after)
      .orderBy("sequence")
      .limit(BATCH)
      .execute();
    for (const { digest, manifest, recipe_key } of rows) {
      counts.artifacts++;
      const problem = manifestProblem(manifest, digest, recipe_key);
      if (problem !== undefined) {
        await database.query.updateTable("artifact").set({ damaged: 1 }).where("digest", "=", digest).execute();
        yield told({ kind: "manifest", digest, artifacts: [digest], message: problem });
      }
      for (const missing of await missingBlobs({ blobs, database }, digest, signal))
        yield told({
          kind: "blob-missing",
          digest: missing,
          artifacts: [digest],
          message: `artifact ${digest} needs blob ${missing}, which is not there as it should be`,
        });
    }
    after = rows.at(-1)?.sequence ?? after;
    yield { is: "progress", counts: { ...counts }, position: { artifact: after } };
    if (rows.length < BATCH) break;
  }
  for (const message of await danglingReferences(database)) yield told({ kind: "reference", digest: "", artifacts: [], message });
  yield { is: "done", counts, faults };
}

function manifestProblem(manifest: Uint8Array, digest: string, recipeKey: string): string | undefined {
  const actual = digestOf(manifest);
  if (actual !== digest) return `the manifest of ${digest} has the digest ${actual}`;
  try {
    const read = readManifest(manifest);
    return read.recipeKey === recipeKey
      ? undefined
      : `the manifest of ${digest} has the recipe ${read.recipeKey}, and is kept as that of ${recipeKey}`;
  } catch (error) {
    if (isUnusable(error)) return `the manifest of ${digest} cannot be read: ${(error as Error).message}`;
    throw error;
  }
}

/** Blobs of an artifact that are not there, or have another size. */
async function missingBlobs(
  { blobs, database }: { blobs: Blobs; database: CatalogDatabase },
  artifact: string,
  signal: AbortSignal,
): Promise<string[]> {
  const named = await database.query.selectFrom("artifact_blob").select(["blob", "size"]).where("artifact", "=", artifact).execute();
  const missing: string[] = [];
  for (const { blob, size } of named) {
    if (!isDigest(blob) || !(await blobs.isIntact({ digest: blob, size }, { budget: { bytes: 0 }, signal }))) missing.push(blob);
  }
  return missing;
}

async function danglingReferences({ query }: CatalogDatabase): Promise<string[]> {
  const { rows } = await sql<{ table: string; parent: string }>`pragma foreign_key_check`.execute(query);
  return rows.map(({ table, parent }) => `a row of ${table} refers to a row of ${parent} that is not there`);
}

/** A position as the text of a token. */
export function positionToken(position: CheckPosition): string {
  return "blob" in position ? `blobs/${position.blob}` : `artifacts/${position.artifact}`;
}

/** Undefined where a text is none of `positionToken`. */
export function parsePositionToken(token: string): CheckPosition | undefined {
  const [what, where = ""] = token.split("/");
  if (what === "blobs" && isDigest(where)) return { blob: where };
  return what === "artifacts" && /^\d{1,15}$/.test(where) ? { artifact: Number(where) } : undefined;
}
