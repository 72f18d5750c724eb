import { createHash } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import type { Artifacts } from "#libs/artifacts";
import {
  type BuiltManifest,
  buildModelManifest,
  type Descriptor,
  foldLicences,
  inputsOf,
  mediaTypes,
  type Recipe,
  recipeInputs,
  recipeKey,
} from "#libs/recipes";
import { inSpan, type Logger } from "#libs/telemetry";
import type { TensorLayout } from "#libs/tensors";
import { type Artifact, ArtifactKind, ArtifactSchema } from "#proto/ratatouille/v1/artifact_pb.ts";
import { averageModels, bytesToRead } from "./average-models.ts";
import { checkRecipe } from "./check-recipe.ts";
import { compareLayouts } from "./compatibility.ts";
import { IncompatibleModelsError, InvalidAverageError } from "./errors.ts";
import { type Member, openMember } from "./members.ts";
import { createSharedWork } from "./shared-work.ts";

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
// Manifests, configs and headers are small: enough at once to hide the round trips.
const CONCURRENT_OPENS = 16;

/** An averager over a catalog. */
export function createAverager({ artifacts, log }: { readonly artifacts: Artifacts; readonly log: Logger }): Averager {
  const shared = createSharedWork<Progress, Artifact>();

  async function run(recipe: Recipe, publish: boolean, signal: AbortSignal, report: (progress: Progress) => void): Promise<Artifact> {
    const average = checkRecipe(recipe);
    const known = publish ? await artifacts.findByRecipe(recipe, { signal }) : undefined;
    if (known !== undefined) return known;
    const digests = inputsOf(recipe, "models");
    const blockBytes = windowBytes(digests.length);
    const members: Member[] = [];
    for (let first = 0; first < digests.length; first += CONCURRENT_OPENS) {
      const open = digests.slice(first, first + CONCURRENT_OPENS).map((digest, i) => {
        return openMember(artifacts, digest, { field: `recipe.inputs.models[${first + i}]`, blockBytes, signal });
      });
      members.push(...(await Promise.all(open)));
    }
    const layout = commonLayout(members, average.exclude);
    const job = { members: members.map(({ weights }) => weights), layout, average, windowElements: blockBytes / LARGEST_ELEMENT_BYTES };
    const totalBytes = bytesToRead(job);
    let readBytes = 0;
    report({ readBytes, totalBytes });
    const startedMs = performance.now();
    const pieces = averageModels(job, {
      signal,
      onRead(bytes) {
        readBytes += bytes;
        report({ readBytes, totalBytes });
      },
    });
    const weights = publish ? await artifacts.upload(pieces, { mediaType: mediaTypes.weights, signal }) : await describe(pieces);
    log.info({ models: members.length, readBytes, ms: Math.round(performance.now() - startedMs) }, "averaged");
    const built = buildModelManifest({
      recipe,
      licences: foldLicences(members.map(({ licences }) => licences)),
      weights,
      architecture: members[0]!.architecture,
      parameterCount: countNumbers(layout),
    });
    return publish ? artifacts.publish(built, { signal }) : unpublished(recipe, built, weights);
  }

  return {
    average(recipe, { reproduce, signal }) {
      return shared.follow(`${recipeKey(recipe)} ${reproduce}`, signal, (work) =>
        inSpan("average", { "ratatouille.models": inputsOf(recipe, "models").length }, () =>
          run(recipe, !reproduce, work.signal, work.report),
        ),
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

/** What the artifact would be if it were published. */
function unpublished(recipe: Recipe, { manifest, digest, config }: BuiltManifest, weights: Descriptor): Artifact {
  return create(ArtifactSchema, {
    digest,
    kind: ArtifactKind.MODEL,
    manifest,
    recipeKey: recipeKey(recipe),
    inputs: recipeInputs(recipe),
    sizeBytes: BigInt(config.length + weights.size),
  });
}
