import { createHash } from "node:crypto";
import { type Artifacts, unpublishedArtifact } from "#libs/artifacts";
import { createSharedWork, type WorkContext } from "#libs/concurrency";
import { buildModelManifest, type Descriptor, foldLicences, inputsOf, mediaTypes, type Recipe, recipeKey } from "#libs/recipes";
import { inSpan, type Logger } from "#libs/telemetry";
import type { TensorLayout } from "#libs/tensors";
import { type Artifact, ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { averageModels, bytesToRead } from "./average-models.ts";
import { type CheckedAverage, checkRecipe } from "./check-recipe.ts";
import { compareLayouts } from "./compatibility.ts";
import { IncompatibleModelsError, InvalidAverageError } from "./errors.ts";
import { type Member, openMembers } from "./members.ts";
import { averagingThroughput } from "./metrics.ts";

/** How far an average is, in bytes of its members. */
export type Progress = { readonly readBytes: number; readonly totalBytes: number };

/** Runs recipes of kind `average`. */
export type Averager = {
  /**
   * Yields progress and returns the artifact. A recipe that has one is answered from the catalog; equal recipes that arrive at the
   * same time are computed once. `reproduce` computes in any case and publishes nothing.
   * Throws InvalidAverageError, IncompatibleModelsError, NotFiniteError, and the RpcErrors of the catalog.
   */
  average(
    recipe: Recipe,
    options: { readonly reproduce: boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<Progress, Artifact, undefined>;
};

// All members' windows and blocks together stay near this, whatever the models' size.
const MEMORY_BYTES = 64 << 20;
const LARGEST_WINDOW_BYTES = 1 << 20;
const SMALLEST_WINDOW_BYTES = 1 << 16;
const LARGEST_ELEMENT_BYTES = 8;

/** An averager over a catalog. */
export function createAverager({ artifacts, log }: { readonly artifacts: Artifacts; readonly log: Logger }): Averager {
  const shared = createSharedWork<Progress, Artifact>();

  async function compute(
    recipe: Recipe,
    checked: CheckedAverage,
    publish: boolean,
    { signal, report }: WorkContext<Progress>,
  ): Promise<Artifact> {
    const { exclude, ...average } = checked;
    const digests = inputsOf(recipe, "models");
    const blockBytes = windowBytes(digests.length);
    const members = await openMembers(artifacts, digests, { blockBytes, signal });
    const layout = commonLayout(members, exclude);
    const job = { members: members.map(({ weights }) => weights), layout, average, windowElements: blockBytes / LARGEST_ELEMENT_BYTES };
    const totalBytes = bytesToRead(job);
    let readBytes = 0;
    const onRead = (bytes: number) => {
      readBytes += bytes;
      report({ readBytes, totalBytes });
    };
    onRead(0);
    const startedMs = performance.now();
    const pieces = averageModels(job, { signal, onRead });
    const weights = publish ? await artifacts.upload(pieces, { mediaType: mediaTypes.weights, signal }) : await describe(pieces);
    const ms = performance.now() - startedMs;
    averagingThroughput.record((1000 * readBytes) / ms);
    log.info({ models: members.length, readBytes, ms: Math.round(ms) }, "averaged");
    const built = buildModelManifest({
      recipe,
      licences: foldLicences(members.map(({ licences }) => licences)),
      weights,
      architecture: members[0]!.architecture,
      parameterCount: countNumbers(layout),
    });
    return publish ? artifacts.publish(built, { signal }) : unpublishedArtifact(recipe, built, ArtifactKind.MODEL, weights.size);
  }

  async function run(recipe: Recipe, publish: boolean, work: WorkContext<Progress>): Promise<Artifact> {
    const { signal } = work;
    const checked = checkRecipe(recipe);
    try {
      const known = publish ? await artifacts.findByRecipe(recipe, { signal }) : undefined;
      return known ?? (await compute(recipe, checked, publish, work));
    } catch (error) {
      if (signal.aborted) log.info({ recipeKey: recipeKey(recipe) }, "average stopped");
      throw error;
    }
  }

  return {
    average(recipe, { reproduce, signal }) {
      const attributes = { "ratatouille.models": inputsOf(recipe, "models").length };
      return shared.follow(`${recipeKey(recipe)} ${reproduce}`, signal, (work) =>
        inSpan("average", attributes, () => run(recipe, !reproduce, work)),
      );
    },
  };
}

/** A window of each member and of the result, and a block ahead of each member, share the memory. A multiple of 64 KiB. */
function windowBytes(members: number): number {
  const share = Math.floor(MEMORY_BYTES / (2 * members + 1) / SMALLEST_WINDOW_BYTES) * SMALLEST_WINDOW_BYTES;
  return Math.min(LARGEST_WINDOW_BYTES, Math.max(SMALLEST_WINDOW_BYTES, share));
}

function commonLayout(members: readonly Member[], exclude: ReadonlySet<string>): TensorLayout[] {
  const headers = members.map(({ weights }) => weights.header);
  for (const name of exclude) {
    if (headers.every(({ tensors }) => !tensors.has(name))) {
      throw new InvalidAverageError([
        { field: "recipe.parameters.exclude", description: `names ${JSON.stringify(name)}, which no model has` },
      ]);
    }
  }
  const { layout, mismatches } = compareLayouts(headers, exclude);
  const architectures = members.map(({ architecture }, model) => `${architecture} in models[${model}]`);
  if (members.some(({ architecture }) => architecture !== members[0]!.architecture)) {
    mismatches.unshift({ tensor: "(architecture)", problem: architectures.join("; ") });
  }
  if (mismatches.length > 0) throw new IncompatibleModelsError(mismatches);
  if (layout.length === 0)
    throw new InvalidAverageError([{ field: "recipe.parameters.exclude", description: "leaves no tensor to average" }]);
  return layout;
}

function countNumbers(layout: readonly TensorLayout[]): number {
  return layout.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
}

/** The descriptor of a blob that is not stored. */
async function describe(pieces: AsyncIterable<Uint8Array>): Promise<Descriptor> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    size += piece.length;
  }
  return { mediaType: mediaTypes.weights, digest: `sha256:${hash.digest("hex")}`, size };
}
