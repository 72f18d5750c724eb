import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type Artifacts, unpublishedArtifact } from "#libs/artifacts";
import { createLimit, createSharedWork, type WorkContext } from "#libs/concurrency";
import { asWriteError, NoSpaceError } from "#libs/files";
import { MergeError, type MergePlan, MergePlanError, type MergeResult, planMerge, runMerge } from "#libs/merging";
import { buildModelManifest, foldLicences, inputsOf, mediaTypes, type Recipe, recipeKey } from "#libs/recipes";
import { resourceExhausted } from "#libs/rpc";
import { inSpan, type Logger } from "#libs/telemetry";
import { fileSource, mainDtype } from "#libs/tensors";
import { type Artifact, ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { type CheckedAverage, checkRecipe } from "./check-recipe.ts";
import { checkCompatible, UNKNOWN_ARCHITECTURE } from "./compatibility.ts";
import { IncompatibleModelsError, InvalidAverageError, NotFiniteError } from "./errors.ts";
import type { LocalStore } from "./local-store.ts";
import { type Catalog, type Member, openMembers } from "./members.ts";
import { averagingThroughput } from "./metrics.ts";
import type { Scratch } from "./scratch.ts";

/** How far an average is, in bytes of its members. */
export type Progress = { readonly readBytes: number; readonly totalBytes: number };

export type AverageOptions = {
  /** Compute in any case, publish nothing. */
  readonly reproduce: boolean;
  /** Average models of different foundation models all the same. */
  readonly allowUnrelated: boolean;
  readonly signal: AbortSignal;
};

/** Runs recipes of kind `average`. */
export type Averager = {
  /**
   * Yields progress and returns the artifact. A recipe that has one is answered from the catalog; equal recipes that arrive at the
   * same time are computed once. `reproduce` computes in any case and publishes nothing.
   * Throws InvalidAverageError, IncompatibleModelsError, NotFiniteError, and the RpcErrors of the catalog.
   */
  average(recipe: Recipe, options: AverageOptions): AsyncGenerator<Progress, Artifact, undefined>;
};

/** Averages that are computed at once. Each of large models keeps all cores busy. */
const AT_ONCE = 4;
/** What may travel with a manifest. */
const CARRIED_BYTES = 1 << 20;
const SIGN_OF_LIFE_MS = 20_000;
const OUTPUT = "model.safetensors";

/** An averager over a catalog. Members lie in `scratch` while they are averaged; `store` takes results where it is on this machine. */
export function createAverager(parts: {
  readonly artifacts: Artifacts;
  readonly scratch: Scratch;
  readonly store?: LocalStore | undefined;
  readonly log: Logger;
}): Averager {
  const { artifacts, scratch, store, log } = parts;
  const shared = createSharedWork<Progress, Artifact>();
  const limit = createLimit(AT_ONCE);
  const catalog: Catalog = { artifacts, scratch, foundations: new Map() };

  async function compute(
    recipe: Recipe,
    checked: CheckedAverage,
    { reproduce, allowUnrelated }: Omit<AverageOptions, "signal">,
    { signal, report }: WorkContext<Progress>,
  ): Promise<Artifact> {
    using opened = await withSignsOfLife(report, () => openMembers(catalog, placesOf(checked), signal));
    const { models, base, statistics } = sortOut(opened.members, checked);
    const method = String(recipe.parameters["method"]);
    const strict = method === "uniform" || method === "weighted";
    // What was made once may be made again.
    await checkCompatible({ models, base }, checked, { allowUnrelated: allowUnrelated || reproduce, strict, signal });
    const plan = plannedMerge(checked, models, base, statistics);
    await using folder = await scratch.folder();
    const startedMs = performance.now();
    const threads = availableParallelism();
    const result = await runMerge(plan, { directory: folder.path, threads, fsync: false, signal, onProgress: report });
    const ms = performance.now() - startedMs;
    averagingThroughput.record((1000 * result.readBytes) / ms);
    log.info({ method, models: models.length, readBytes: result.readBytes, ms: Math.round(ms) }, "averaged");
    const [{ digest, size }] = result.files as [MergeResult["files"][0]];
    const built = buildModelManifest({
      recipe,
      // Every import names a licence, if only the unknown one: a model of the catalog without any was made of nothing that has one.
      licences: foldLicences(opened.members.map(({ model }) => model.licences)),
      weights: { mediaType: mediaTypes.weights, digest, size },
      architecture: models.find(({ architecture }) => architecture !== UNKNOWN_ARCHITECTURE)?.architecture ?? UNKNOWN_ARCHITECTURE,
      parameterCount: plan.tensors.reduce((sum, { elements }) => sum + elements, 0),
      dtype: mainDtype(plan.tensors),
    });
    if (reproduce) return unpublishedArtifact(recipe, built, ArtifactKind.MODEL, size);
    const path = join(folder.path, OUTPUT);
    if (size <= CARRIED_BYTES) return await artifacts.publish(built, { blobs: [await readFile(path)], signal });
    if (!(await store?.give(path, { digest, size }, signal))) {
      await using file = await fileSource(path);
      await artifacts.uploadFile(file, { mediaType: mediaTypes.weights, digest, signal });
    }
    return await artifacts.publish(built, { signal });
  }

  async function run(recipe: Recipe, options: Omit<AverageOptions, "signal">, work: WorkContext<Progress>): Promise<Artifact> {
    const { signal } = work;
    const checked = checkRecipe(recipe);
    try {
      const known = options.reproduce ? undefined : await artifacts.findByRecipe(recipe, { signal });
      return known ?? (await limit(() => compute(recipe, checked, options, work)));
    } catch (error) {
      if (signal.aborted) log.info({ recipeKey: recipeKey(recipe) }, "average stopped");
      throw refusal(error);
    }
  }

  return {
    average(recipe, { signal, ...options }) {
      const attributes = { "ratatouille.models": inputsOf(recipe, "models").length };
      return shared.follow(`${recipeKey(recipe)} ${options.reproduce} ${options.allowUnrelated}`, signal, (work) =>
        inSpan("average", attributes, () => run(recipe, options, work)),
      );
    },
  };
}

/** Large members take long to fetch, and callers hang up who hear nothing. */
async function withSignsOfLife<T>(report: WorkContext<Progress>["report"], work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => report({ readBytes: 0, totalBytes: 0 }), SIGN_OF_LIFE_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

function placesOf({ models, base, statistics }: CheckedAverage) {
  return [
    ...models.map((digest, i) => ({ place: `models[${i}]`, digest })),
    ...statistics.map((digest, i) => ({ place: `statistics[${i}]`, digest })),
    ...(base === undefined ? [] : [{ place: "base", digest: base }]),
  ];
}

function sortOut(members: readonly Member[], { models, base, statistics }: CheckedAverage) {
  return {
    models: members.slice(0, models.length),
    statistics: members.slice(models.length, models.length + statistics.length),
    base: base === undefined ? undefined : members.at(-1),
  };
}

function plannedMerge(
  { method, given, exclude, dtype, seed }: CheckedAverage,
  models: readonly Member[],
  base: Member | undefined,
  statistics: readonly Member[],
): MergePlan {
  try {
    return planMerge({
      method: method.name,
      models: models.map(({ model }) => model),
      digests: models.map(({ weights }) => weights),
      ...(base === undefined ? {} : { base: base.model, baseDigest: base.weights }),
      ...(statistics.length === 0
        ? {}
        : { statistics: statistics.map(({ model }) => model), statisticsDigests: statistics.map(({ weights }) => weights) }),
      parametersOf: () => given,
      exclude,
      ...(dtype === undefined ? {} : { dtype }),
      ...(seed === undefined ? {} : { seed }),
      single: OUTPUT,
    });
  } catch (cause) {
    if (!(cause instanceof MergePlanError)) throw cause;
    throw new InvalidAverageError(
      cause.problems.map((description) => ({ field: "recipe", description })),
      { cause },
    );
  }
}

/** What the caller can do something about, in the words of this service. */
function refusal(error: unknown): unknown {
  const written = asWriteError(error, "the files of an average");
  if (written instanceof NoSpaceError) return resourceExhausted(written.message, { reason: "NO_SPACE", cause: error });
  if (!(error instanceof MergeError)) return error;
  const { kind, tensor, tensors = tensor === undefined ? [] : [tensor], message } = error;
  if (kind === "not-finite" || kind === "overflow") return new NotFiniteError(message, { cause: error });
  if (kind === "memory" || kind === "disk") return resourceExhausted(message, { reason: "NO_SPACE", cause: error });
  if (kind !== "disagree") return error;
  return new IncompatibleModelsError(
    tensors.map((name) => ({ tensor: name, problem: "whole numbers have to agree in all models, and they differ" })),
  );
}
