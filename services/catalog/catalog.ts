import type { Outbox } from "#libs/bus";
import { type Digest, layerOf, mediaTypes, readManifest } from "#libs/recipes";
import type { BlobStore } from "#libs/storage";
import type { Logger } from "#libs/telemetry";
import type { ImportModelRequest } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type Annotating, annotate } from "./annotate.ts";
import { type ArtifactRecord, type Artifacts, createArtifacts } from "./artifacts.ts";
import { type Blobs, createBlobs, type VerifyBudget } from "./blobs.ts";
import { checkCatalog } from "./check.ts";
import { type Chunks, createChunks } from "./chunks.ts";
import { diff } from "./diff/diff.ts";
import { CatalogError } from "./errors.ts";
import { exportLineage } from "./export.ts";
import { type Collected, collectGarbage, deleteArtifact } from "./garbage.ts";
import { importModel } from "./import-model.ts";
import { createLineage, type Lineage } from "./lineage.ts";
import { createPins, type Pins } from "./pins.ts";
import { publish } from "./publish.ts";
import { createRefs, type Refs } from "./refs.ts";
import type { ArtifactName } from "./requests.ts";
import { createRetention, type Retention } from "./retention.ts";
import type { CatalogDatabase, CatalogTables } from "./store/tables.ts";
import { createTags, type Tags } from "./tags.ts";
import { storageUsage } from "./usage.ts";

/** How an artifact is looked up. */
export type GetOptions = {
  readonly includeDamaged: boolean;
  /** Shared by the lookups of one call; one of its own by default. */
  readonly budget?: VerifyBudget;
  readonly signal: AbortSignal;
};

/** The catalog as its service sees it. */
export type Catalog = {
  readonly blobs: Blobs;
  readonly chunks: Chunks;
  readonly artifacts: Artifacts;
  readonly lineage: Lineage;
  readonly refs: Refs;
  readonly tags: Tags;
  readonly pins: Pins;
  readonly retention: Retention;
  /** See publish.ts. */
  publish(
    request: { readonly manifest: Uint8Array; readonly blobs: readonly Uint8Array[] },
    signal: AbortSignal,
  ): Promise<{ artifact: ArtifactRecord; existed: boolean }>;
  /** See import-model.ts. */
  importModel(request: ImportModelRequest, signal: AbortSignal): Promise<{ artifact: ArtifactRecord; existed: boolean }>;
  /** What one lookup, of however many artifacts, may spend on verifying their blobs. */
  verifyBudget(): VerifyBudget;
  /** Finds one artifact after a look at its blobs. CatalogError ARTIFACT_NOT_FOUND, REF_NOT_FOUND, TAG_NOT_FOUND, AMBIGUOUS_DIGEST, ARTIFACT_DAMAGED. */
  get(request: ArtifactName & GetOptions): Promise<ArtifactRecord>;
  /** See annotate.ts. */
  annotate(annotating: Annotating): Promise<ArtifactRecord>;
  /** See export.ts. */
  exportLineage(request: Parameters<typeof exportLineage>[1]): ReturnType<typeof exportLineage>;
  /** See diff/diff.ts. */
  diff(request: Parameters<typeof diff>[1]): ReturnType<typeof diff>;
  /** See check.ts. */
  check(request: Parameters<typeof checkCatalog>[1]): ReturnType<typeof checkCatalog>;
  /** See usage.ts. */
  usage(request: Parameters<typeof storageUsage>[1]): ReturnType<typeof storageUsage>;
  /** See garbage.ts. */
  deleteArtifact(digest: Digest): Promise<void>;
  collectGarbage(request: { dryRun: boolean; minAgeMs: number; signal: AbortSignal }): Promise<Collected>;
};

/** Puts the catalog together. `now` is in milliseconds since 1970. */
export function openCatalog(dependencies: {
  store: BlobStore;
  database: CatalogDatabase;
  outbox: Outbox<CatalogTables>;
  log: Logger;
  now: () => number;
  verifyAtLookupBytes: number;
}): Catalog {
  const { store, database, now, log, verifyAtLookupBytes } = dependencies;
  const verifyBudget = () => ({ bytes: verifyAtLookupBytes });
  const blobs = createBlobs(dependencies);
  const chunks = createChunks(dependencies);
  const artifacts = createArtifacts(database);
  const lineage = createLineage({ database, artifacts });
  const refs = createRefs(dependencies);

  async function find(name: ArtifactName): Promise<ArtifactRecord> {
    if ("digest" in name) return artifacts.byDigest(name.digest);
    if ("ref" in name) return artifacts.byName(name.ref);
    const found = await artifacts.byRecipeKey(name.recipeKey);
    if (!found)
      throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact of the recipe ${name.recipeKey}`, { facts: { recipeKey: name.recipeKey } });
    return found;
  }

  async function isWhole(artifact: ArtifactRecord, options: { budget: VerifyBudget; signal: AbortSignal }): Promise<boolean> {
    if (artifact.damaged) return false;
    let whole = true;
    for (const blob of artifact.blobs) if (!(await blobs.isIntact(blob, options))) whole = false;
    return whole;
  }

  const publishArtifact: Catalog["publish"] = async (request, signal) => {
    const { digest, existed } = await publish({ ...dependencies, blobs, budget: verifyBudget() }, request, signal);
    const artifact = await artifacts.byDigest(digest);
    if (artifact.kind === "model" && !existed) chunks.note(layerOf(readManifest(artifact.manifest), mediaTypes.weights).digest);
    return { artifact, existed };
  };

  return {
    blobs,
    chunks,
    artifacts,
    lineage,
    refs,
    tags: createTags(dependencies),
    pins: createPins(database, store),
    retention: createRetention(database),
    verifyBudget,
    publish: publishArtifact,
    importModel: (request, signal) => importModel({ store, artifacts, publish: publishArtifact }, request, signal),
    async get({ includeDamaged, budget = verifyBudget(), signal, ...name }) {
      const found = await find(name);
      const artifact = { ...found, damaged: !(await isWhole(found, { budget, signal })) };
      if (!artifact.damaged || includeDamaged) return artifact;
      throw new CatalogError("ARTIFACT_DAMAGED", `artifact ${artifact.digest} is damaged; run its recipe again`, {
        facts: { digest: artifact.digest },
      });
    },
    async annotate(annotating) {
      await annotate({ database, store }, annotating);
      return artifacts.byDigest(annotating.digest);
    },
    exportLineage: (request) => exportLineage({ database, artifacts, lineage }, request),
    diff: (request) => diff({ database, artifacts, store, blobs }, request),
    check: (request) => checkCatalog({ store, blobs, database }, request),
    usage: (request) => storageUsage(database, request),
    async deleteArtifact(digest) {
      await deleteArtifact(database, digest);
      log.info({ digest }, "artifact deleted");
    },
    async collectGarbage({ dryRun, minAgeMs, signal }) {
      const collected = await collectGarbage({ database, store }, { now: now(), minAgeMs, dryRun, signal });
      if (!dryRun)
        log.info(
          { artifacts: collected.artifacts.length, blobs: collected.blobs.length, freedBytes: collected.freedBytes },
          "garbage collected",
        );
      return collected;
    },
  };
}
