import { type Artifacts, unpublishedArtifact } from "#libs/artifacts";
import { createSharedWork } from "#libs/concurrency";
import {
  backendOf,
  buildEvaluationManifest,
  canonicalJson,
  digestOf,
  foldLicences,
  inputsOf,
  type Json,
  layerOf,
  mediaTypes,
  type Recipe,
  readManifest,
  recipeKey,
} from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { inSpan, type Logger } from "#libs/telemetry";
import { type Artifact, ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { type Checked, checkRequest } from "./check-request.ts";
import { InvalidEvaluationError } from "./errors.ts";
import type { Input, Inputs } from "./inputs.ts";
import { checkMeasure } from "./measuring/check-measure.ts";
import { runMeasure } from "./measuring/run-measure.ts";
import type { Computed, EvaluationJob } from "./run-evaluation.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** The artifact of an evaluation, the JSON text in it, and how long it was computed in a thread: 0 if it was in the catalog. */
export type Evaluation = { readonly artifact: Artifact; readonly result: string; readonly computeMs: bigint };

export type Evaluator = {
  /**
   * Answers a recipe from the catalog or computes it; equal recipes at the same time are computed once.
   * `reproduce` computes in any case and publishes nothing.
   * @throws InvalidEvaluationError, RpcError of the catalog, the reason of `signal`.
   */
  evaluate(recipe: Recipe, options: { readonly reproduce: boolean; readonly signal: AbortSignal }): Promise<Evaluation>;
};

export type EvaluatorDependencies = {
  readonly artifacts: Artifacts;
  readonly inputs: Inputs;
  readonly pool: WorkerPool<EvaluationJob, Computed>;
  readonly log: Logger;
};

/** What a recipe gave: numbers, the licences of what went in, and how long it was computed. */
type Found = { readonly numbers: Json; readonly licences: readonly string[]; readonly computeMs: number };

type LoadedInputs = { readonly models: readonly Input[]; readonly heldOut: readonly Input[]; readonly validation: readonly Input[] };

/** The domain of the evaluation service: catalog first, then inputs, a worker, and publication. */
export function createEvaluator({ artifacts, inputs, pool, log }: EvaluatorDependencies): Evaluator {
  const running = createSharedWork<never, Evaluation>();

  async function fromCatalog(recipe: Recipe, signal: AbortSignal): Promise<Evaluation | undefined> {
    const artifact = await artifacts.findByRecipe(recipe, { signal });
    if (artifact === undefined) return undefined;
    try {
      const { digest } = layerOf(readManifest(artifact.manifest), mediaTypes.evaluationLayer);
      return { artifact, result: new TextDecoder().decode(await artifacts.download(digest, { signal })), computeMs: 0n };
    } catch (error) {
      if (!isRpcError(error, Code.DATA_LOSS) && !isRpcError(error, Code.NOT_FOUND)) throw error;
      log.warn({ artifact: artifact.digest, err: error }, "evaluation is damaged; computing it again");
      return undefined;
    }
  }

  async function load(recipe: Recipe, role: string, kind: "model" | "dataset", signal: AbortSignal): Promise<Input[]> {
    const loaded: Input[] = [];
    const list = Array.isArray(recipe.inputs[role]);
    for (const [position, digest] of inputsOf(recipe, role).entries()) {
      const field = `recipe.inputs.${role}${list ? `[${position}]` : ""}`;
      loaded.push(await inputs.load({ digest, kind, field, signal }));
    }
    return loaded;
  }

  /** Runs models on data sets, in a thread. */
  async function evaluateModels({ recipe, parameters }: Checked, signal: AbortSignal): Promise<Found> {
    const loaded: LoadedInputs = {
      models: await load(recipe, "models", "model", signal),
      heldOut: await load(recipe, "heldOut", "dataset", signal),
      validation: await load(recipe, "validation", "dataset", signal),
    };
    const { measure } = parameters;
    const models = loaded.models.length;
    const { result: numbers, computeMs } = await inSpan("measure", { "ratatouille.measure": measure, "ratatouille.models": models }, () =>
      pool.run(() => prepareJob({ recipe, parameters }, loaded), signal),
    );
    log.info({ measure, models, ms: Math.round(computeMs) }, "measured");
    const licences = foldLicences(Object.values(loaded).flatMap((role) => role.map((input) => input.licences)));
    return { numbers: numbers as unknown as Json, licences, computeMs };
  }

  /** Measures predictions, in this thread, which has a turn for others after each block of rows. */
  async function measurePredictions(recipe: Recipe, signal: AbortSignal): Promise<Found> {
    const measure = String(recipe.parameters["measure"]);
    const predictions = inputsOf(recipe, "predictions").length;
    const attributes = { "ratatouille.measure": measure, "ratatouille.predictions": predictions };
    const { result, licences, computeMs } = await inSpan("measure", attributes, () => runMeasure(recipe, artifacts, signal));
    log.info({ measure, predictions, ms: Math.round(computeMs) }, "measured");
    return { numbers: result as unknown as Json, licences, computeMs };
  }

  async function compute(recipe: Recipe, publish: boolean, work: (signal: AbortSignal) => Promise<Found>, signal: AbortSignal) {
    const { numbers, licences, computeMs } = await work(signal);
    const result = canonicalJson(numbers);
    const bytes = new TextEncoder().encode(result);
    const descriptor = { mediaType: mediaTypes.evaluationLayer, digest: digestOf(bytes), size: bytes.length };
    const built = buildEvaluationManifest({ recipe, result: descriptor, licences });
    const artifact = publish
      ? await artifacts.publish(built, { blobs: [bytes], signal })
      : unpublishedArtifact(recipe, built, ArtifactKind.EVALUATION, bytes.length);
    return { artifact, result, computeMs: BigInt(Math.round(computeMs)) };
  }

  /** How a recipe is run. @throws InvalidEvaluationError before anything is loaded */
  function workOf(recipe: Recipe): (signal: AbortSignal) => Promise<Found> {
    if (recipe.kind === "evaluate") {
      const checked = checkRequest(recipe);
      return (signal) => evaluateModels(checked, signal);
    }
    if (recipe.kind !== "measure") {
      const description = `is ${recipe.kind}; the evaluation service runs measure and evaluate`;
      throw new InvalidEvaluationError([{ field: "recipe.kind", description }]);
    }
    checkMeasure(recipe);
    return (signal) => measurePredictions(recipe, signal);
  }

  return {
    async evaluate(recipe, { reproduce, signal }) {
      const work = workOf(recipe);
      return running.run(`${recipeKey(recipe)} ${reproduce}`, signal, async (shared) => {
        const known = reproduce ? undefined : await fromCatalog(recipe, shared);
        return known ?? (await compute(recipe, !reproduce, work, shared));
      });
    },
  };
}

/** The job with buffers of its own, which move to the worker. */
function prepareJob(
  { recipe, parameters }: Checked,
  { models, heldOut, validation }: LoadedInputs,
): { job: EvaluationJob; transfer: ArrayBuffer[] } {
  const job = {
    parameters,
    backend: backendOf(recipe.arithmetic) ?? "wasm",
    models: models.map(({ bytes }) => bytes.slice()),
    heldOut: heldOut[0]?.bytes.slice(),
    validation: validation.map(({ bytes }) => bytes.slice()),
  };
  return { job, transfer: [...job.models, ...(job.heldOut ? [job.heldOut] : []), ...job.validation].map(({ buffer }) => buffer) };
}
