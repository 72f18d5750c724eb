import { sql, type Transaction } from "kysely";
import { event, type Outbox } from "#libs/bus";
import {
  annotations,
  checkManifest,
  type Digest,
  digestOf,
  inputsByRole,
  isApproximate,
  ManifestError,
  MOST_MANIFEST_BYTES,
  type ReadManifest,
  RecipeError,
  recipeInputs,
} from "#libs/recipes";
import type { BlobStore } from "#libs/storage";
import { artifactPublished } from "#libs/topics";
import { firstMissing } from "./artifacts.ts";
import type { Blobs, VerifyBudget } from "./blobs.ts";
import { checkContents, compareArtifacts } from "./contents.ts";
import { CatalogError, invalidField } from "./errors.ts";
import { type Facts, readFacts } from "./facts.ts";
import { indexArtifact } from "./indexing.ts";
import { artifactKinds } from "./kinds.ts";
import { markStale } from "./stale.ts";
import type { CatalogDatabase, CatalogTables } from "./store/tables.ts";

/** Together with the manifest they stay below gRPC's limit of 4 MiB for one message. */
const MAX_CARRIED_BYTES = 2 << 20;

/** What publishing needs. */
export type PublishDependencies = {
  readonly database: CatalogDatabase;
  readonly store: BlobStore;
  readonly blobs: Blobs;
  readonly outbox: Outbox<CatalogTables>;
  readonly now: () => number;
  readonly budget: VerifyBudget;
};

/**
 * Publishes a manifest whose blobs are stored or come along, and whose inputs are published, and tells the bus in the same transaction.
 * What nobody could use is refused, and its recipe stays free. Publishing again is allowed and repairs a damaged artifact; publishing the
 * same in other words (spaces, the order of names) is publishing again, and so is another result of a recipe whose arithmetic is
 * approximate: the first counts. What earlier versions took and nobody can use gives way, and so does what is damaged; what was made of it
 * is stale from then on.
 * Returns the digest of the artifact that the recipe has, and whether it was there, whole, before.
 * CatalogError INVALID_FIELD, BLOB_MISSING, INPUT_MISSING, RECIPE_NOT_REPRODUCED.
 */
export async function publish(
  { database, store, blobs, outbox, now, budget }: PublishDependencies,
  { manifest: bytes, blobs: carried }: { readonly manifest: Uint8Array; readonly blobs: readonly Uint8Array[] },
  signal: AbortSignal,
): Promise<{ digest: Digest; existed: boolean }> {
  const manifest = parseManifest(bytes);
  const { digest, recipeKey, kind } = manifest;
  const parts = blobsOf(manifest);
  const inputs = recipeInputs(manifest.recipe);
  await storeCarried(blobs, parts, carried, signal);
  for (const blob of parts) await checkBlob(store, blobs, blob, { budget, signal });
  await checkUsable(manifest, parts, { store, blobs, signal });
  const facts = await readFacts(bytes, store);

  return database.transaction(async (tx) => {
    signal.throwIfAborted();
    const others = await tx.selectFrom("artifact").select(["digest", "damaged", "manifest"]).where("recipe_key", "=", recipeKey).execute();
    const before = others.find((other) => other.digest === digest);
    const whole = others.find(({ damaged }) => damaged === 0);
    if (whole && whole.digest !== digest) {
      const rivalry = await compareArtifacts(whole.manifest, { bytes, manifest }, store);
      const first = rivalry === "other" && isApproximate(manifest.recipe.arithmetic);
      if (rivalry === "other" && !first) throw notReproduced(manifest, whole.digest);
      if (rivalry === "same" || first) {
        await tx.updateTable("artifact").set({ touched_at: now() }).where("digest", "=", whole.digest).execute();
        return { digest: whole.digest as Digest, existed: true };
      }
      await tx.updateTable("artifact").set({ damaged: 1 }).where("digest", "=", whole.digest).execute();
    }
    // Again, because the garbage collector runs between transactions, never inside one.
    for (const blob of parts) if (!(await store.stat(blob.digest))) throw blobMissing(blob.digest);
    const missing = await firstMissing(tx, inputs);
    if (missing)
      throw new CatalogError("INPUT_MISSING", `the recipe's input ${missing} is not in the catalog`, { facts: { digest: missing } });

    const touchedAt = now();
    if (before) {
      await tx.updateTable("artifact").set({ damaged: 0, touched_at: touchedAt }).where("digest", "=", digest).execute();
      if (whole?.digest === digest) return { digest, existed: true };
    } else {
      await insert(tx, { manifest, bytes, parts, facts, touchedAt });
    }
    if (others.length > 0) await markStale(tx, recipeKey);
    const eventId = before ? `artifact/${digest}/repaired/${touchedAt}` : `artifact/${digest}/published`;
    await outbox.add(tx, event(artifactPublished, eventId, { digest, recipeKey, kind: artifactKinds[kind] }));
    return { digest, existed: false };
  });
}

function parseManifest(bytes: Uint8Array): ReadManifest {
  if (bytes.byteLength > MOST_MANIFEST_BYTES)
    throw invalidField("manifest", `it has ${bytes.byteLength} bytes, at most ${MOST_MANIFEST_BYTES} are allowed`);
  try {
    return checkManifest(bytes);
  } catch (error) {
    throw manifestRefusal(error);
  }
}

/** What the caller can do something about, under the field of the manifest. */
function manifestRefusal(error: unknown): unknown {
  if (error instanceof RecipeError) {
    const field = `manifest.annotations.${annotations.recipe}`;
    const whole = error.field === "recipe";
    return invalidField(whole ? field : `${field}.${error.field}`, error.description, error);
  }
  if (!(error instanceof ManifestError)) return error;
  return invalidField(error.field === "" ? "manifest" : `manifest.${error.field}`, error.description, error);
}

/** Each blob once, the config included. */
function blobsOf({ config, layers }: ReadManifest): { digest: Digest; size: number }[] {
  return [...new Map([config, ...layers].map(({ digest, size }) => [digest, { digest, size }])).values()];
}

/** Stores the blobs that came with the manifest. What the manifest does not name is refused before anything is stored. */
async function storeCarried(
  blobs: Blobs,
  parts: readonly { digest: Digest; size: number }[],
  carried: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<void> {
  if (carried.length > parts.length) throw invalidField("blobs", `are ${carried.length}; the manifest names ${parts.length}`);
  const bytes = carried.reduce((sum, { length }) => sum + length, 0);
  if (bytes > MAX_CARRIED_BYTES) throw invalidField("blobs", `${bytes} bytes, at most ${MAX_CARRIED_BYTES} may come with a manifest`);
  const named = new Set(parts.map(({ digest }) => digest));
  const digests = carried.map(digestOf);
  const stranger = digests.findIndex((digest) => !named.has(digest));
  if (stranger >= 0) throw invalidField(`blobs[${stranger}]`, `the manifest does not name ${digests[stranger]}`);
  await Promise.all(carried.map((content, i) => blobs.put(once(content), { digest: digests[i], size: content.length, signal })));
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield content;
}

async function checkBlob(
  store: BlobStore,
  blobs: Blobs,
  blob: { digest: Digest; size: number },
  options: { budget: VerifyBudget; signal: AbortSignal },
): Promise<void> {
  if (await blobs.isIntact(blob, options)) return;
  const stored = await store.stat(blob.digest);
  if (!stored) throw blobMissing(blob.digest);
  throw invalidField("manifest", `it says that blob ${blob.digest} has ${blob.size} bytes, it has ${stored.size}`);
}

/** Looks into the blobs. What was not verified yet may be damaged, which is another thing than being wrong from the start. */
async function checkUsable(
  manifest: ReadManifest,
  parts: readonly { digest: Digest; size: number }[],
  { store, blobs, signal }: { store: BlobStore; blobs: Blobs; signal: AbortSignal },
): Promise<void> {
  try {
    await checkContents(manifest, store);
  } catch (error) {
    for (const blob of parts) await checkBlob(store, blobs, blob, { budget: { bytes: Number.POSITIVE_INFINITY }, signal });
    throw manifestRefusal(error);
  }
}

async function insert(
  tx: Transaction<CatalogTables>,
  artifact: {
    manifest: ReadManifest;
    bytes: Uint8Array;
    parts: readonly { digest: Digest; size: number }[];
    facts: Facts;
    touchedAt: number;
  },
): Promise<void> {
  const { manifest, bytes, parts, facts, touchedAt } = artifact;
  const inputs = inputsByRole(manifest.recipe);
  const { digest, kind, recipeKey } = manifest;
  const sizeBytes = parts.reduce((sum, { size }) => sum + size, 0);
  const { sequence } = await tx
    .insertInto("artifact")
    .values({ digest, kind, manifest: bytes, recipe_key: recipeKey, size_bytes: sizeBytes, damaged: 0, touched_at: touchedAt })
    .returning("sequence")
    .executeTakeFirstOrThrow();
  for (const { digest: blob, size } of parts) await tx.insertInto("artifact_blob").values({ artifact: digest, blob, size }).execute();
  for (const [position, { digest: input, role }] of inputs.entries())
    await sql`
      insert into artifact_input (artifact, position, input, role)
      select ${sequence}, ${position}, sequence, ${role} from artifact where digest = ${input}`.execute(tx);
  await indexArtifact(tx, sequence, facts);
}

function blobMissing(digest: string): CatalogError {
  return new CatalogError("BLOB_MISSING", `blob ${digest} is not in the catalog: upload it first`, { facts: { digest } });
}

function notReproduced({ recipe, recipeKey, digest: offered }: ReadManifest, existing: string): CatalogError {
  const problem =
    recipe.kind === "import"
      ? `the same files were imported before, as ${existing}, and are described in another way now: use that, or delete it first`
      : `the recipe ${recipeKey} has made ${existing} before, and now it made ${offered}: its arithmetic is not what the recipe says`;
  return new CatalogError("RECIPE_NOT_REPRODUCED", problem, { facts: { recipeKey, existing, offered } });
}
