import { prepareRounded, SumsError } from "#libs/merging";
import { buildModelManifest, foldLicences, mediaTypes, type ReadManifest, type Recipe, readManifest, UNKNOWN_LICENCE } from "#libs/recipes";
import { inSpan } from "#libs/telemetry";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { SessionContext } from "./context.ts";
import { refuse } from "./errors.ts";
import type { Layout } from "./layout.ts";
import { openMembers } from "./members.ts";
import { readPieces } from "./pieces.ts";
import { recipeOf } from "./recipe.ts";
import { type ContributionRow, counted, type SessionRow } from "./store/rows.ts";

/** How far a snapshot is, in bytes of sums and contributions. */
export type SnapshotProgress = { readonly readBytes: number; readonly totalBytes: number };

/**
 * Publishes the average of what counts at the moment in which the lock is had. Its recipe names the contributions, so the same set has the
 * same recipe, and is answered from the catalog.
 */
export async function snapshot(
  context: SessionContext,
  id: string,
  { signal, report }: { readonly signal: AbortSignal; readonly report: (progress: SnapshotProgress) => void },
): Promise<Artifact> {
  const { store, locks, artifacts, changes } = context;
  return locks(id, async () => {
    const session = await store.find(id);
    const members = await store.contributions(id, ...counted);
    if (!session || members.length === 0) throw refuse("NOTHING_COMMITTED", `session ${id} has no contribution that is complete`);
    const recipe = recipeOf(session, members);
    const found = await artifacts.findByRecipe(recipe, { signal });
    const artifact =
      found ??
      (await inSpan("snapshot", { "ratatouille.models": members.length }, () =>
        make(context, session, members, recipe, { signal, report }),
      ));
    if (artifact.digest !== session.artifact) {
      await store.setArtifact(id, artifact.digest);
      changes.beat(id);
    }
    return artifact;
  });
}

async function make(
  context: SessionContext,
  session: SessionRow,
  members: readonly ContributionRow[],
  recipe: Recipe,
  { signal, report }: Parameters<typeof snapshot>[2],
): Promise<Artifact> {
  const { store, files, artifacts, threads, log } = context;
  const began = performance.now();
  const scratch = files.scratch(session.id);
  await files.remove(scratch);
  await files.makeFolder(scratch);
  try {
    const pending = await store.contributions(session.id, "committed", "withdrawing");
    await using rounded = await prepareRounded({
      sums: session.sums === null ? undefined : files.sums(session.id, session.sums),
      members: await openMembers(context, pending),
      list: false,
      negativeWeights: session.method !== "uniform",
      divisor: session.method === "uniform" ? members.length : session.method === "weighted" ? 1 : "sum",
      dtype: session.dtype as "F32" | "F16" | "BF16",
      output: { directory: scratch, single: "model.safetensors", fsync: false },
      threads: threads(),
      signal,
      onProgress: report,
    });
    const pieces = readPieces(rounded.temporaries[0]!);
    const weights = await artifacts.upload(pieces, { mediaType: mediaTypes.weights, signal });
    const parents = await parentsOf(context, members, signal);
    const built = buildModelManifest({
      recipe,
      licences: foldLicences([...parents.map(({ licences }) => licences), ...ownLicences(session, members)]),
      weights,
      architecture: await architectureOf(context, session, parents, signal),
      parameterCount: numbersOf(JSON.parse(session.layout ?? "[]") as Layout),
      dtype: session.dtype,
    });
    const artifact = await artifacts.publish(built, { signal });
    log.info({ session: session.id, contributions: members.length, ms: Math.round(performance.now() - began) }, "snapshot published");
    return artifact;
  } catch (error) {
    if (error instanceof SumsError && error.kind === "overflow") throw refuse("AVERAGE_NOT_FINITE", error.message, { cause: error });
    if (error instanceof SumsError && error.kind === "weight") throw refuse("NO_WEIGHT", error.message, { cause: error });
    throw error;
  } finally {
    await files.remove(scratch);
  }
}

/** The models of the catalog among the contributions. */
async function parentsOf({ artifacts }: SessionContext, members: readonly ContributionRow[], signal: AbortSignal): Promise<ReadManifest[]> {
  const digests = new Set(members.flatMap(({ artifact }) => artifact ?? []));
  const parents: ReadManifest[] = [];
  for (const digest of [...digests].sort()) parents.push(readManifest((await artifacts.get(digest, { signal })).manifest));
  return parents;
}

/** Of the contributions that are not models of the catalog, if there are any. */
function ownLicences({ licence }: SessionRow, members: readonly ContributionRow[]): string[][] {
  if (members.every(({ artifact }) => artifact !== null)) return [];
  return [[licence === "" ? UNKNOWN_LICENCE : licence]];
}

async function architectureOf(
  { artifacts }: SessionContext,
  session: SessionRow,
  parents: readonly ReadManifest[],
  signal: AbortSignal,
): Promise<string> {
  const [parent] = parents;
  if (session.architecture !== "" || parent === undefined) return session.architecture || "unknown";
  const text = new TextDecoder().decode(await artifacts.download(parent.config.digest, { signal }));
  const config = JSON.parse(text) as { readonly config?: { readonly architecture?: unknown } };
  return typeof config.config?.architecture === "string" ? config.config.architecture : "unknown";
}

function numbersOf(layout: Layout): number {
  return layout.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
