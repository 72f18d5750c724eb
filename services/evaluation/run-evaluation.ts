import { type Dataset, decodeDataset, splitDataset } from "#libs/datasets";
import { openBackend, predict, UnfitInputError } from "#libs/learning";
import type { BackendName, EvaluateParameters, EvaluationResult } from "#libs/recipes";
import { loadFloat32 } from "#libs/tensors";
import { checkFit } from "./check-fit.ts";
import { InvalidEvaluationError, type Violation } from "./errors.ts";
import { measure } from "./measures/measure.ts";
import { NonFiniteLogitsError, type Predict, poolRows, type Samples } from "./measures/subject.ts";

/** Everything that an evaluation needs, as it can be sent to a thread. Models and data sets are safetensors files. */
export type EvaluationJob = {
  readonly parameters: EvaluateParameters;
  readonly backend: BackendName;
  readonly models: readonly Uint8Array[];
  readonly heldOut: Uint8Array | undefined;
  readonly validation: readonly Uint8Array[];
};

/** What a thread found, and how long it computed. */
export type Computed = { readonly result: EvaluationResult; readonly computeMs: number };

/**
 * Runs an evaluation from files to numbers.
 * @param checkCancelled is called before every forward pass and throws to stop.
 * @throws InvalidEvaluationError when a file cannot be read, models do not fit, or a model gives no finite numbers.
 */
export async function runEvaluation(job: EvaluationJob, checkCancelled: () => void = () => {}): Promise<EvaluationResult> {
  const models = job.models.map((bytes, i) => decode(`recipe.inputs.models[${i}]`, () => loadFloat32(bytes)));
  const heldOut = job.heldOut && decodeData("recipe.inputs.heldOut", job.heldOut);
  const validation = job.validation.map((bytes, i) => decodeData(`recipe.inputs.validation[${i}]`, bytes));
  checkFit({ models, datasets: heldOut === undefined ? validation : [heldOut, ...validation] });
  const backend = await openBackend(job.backend);
  const samples: Samples = {
    ...(heldOut && { heldOut: heldOut.dataset }),
    ...(validation.length > 0 && {
      validation: poolRows(validation.map(({ dataset }) => splitDataset(dataset, job.parameters.validationFraction).validation)),
    }),
  };
  checkRows(samples);
  const predictOn: Predict = (weights, images) => {
    checkCancelled();
    return predict(backend, weights, images);
  };
  try {
    return measure(job.parameters, { members: models, samples, predict: predictOn });
  } catch (cause) {
    // A RangeError is a shape that does not follow on the one before: the members are alike, so it is true of all of them.
    const told = [NonFiniteLogitsError, RangeError, UnfitInputError].some((kind) => cause instanceof kind);
    if (!told) throw cause;
    throw new InvalidEvaluationError([{ field: "recipe.inputs.models", description: `cannot predict: ${(cause as Error).message}` }], {
      cause,
    });
  }
}

function decodeData(field: string, bytes: Uint8Array): { field: string; dataset: Dataset } {
  return { field, dataset: decode(field, () => decodeDataset(bytes)) };
}

function decode<T>(field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new InvalidEvaluationError([{ field, description: `cannot be read: ${(cause as Error).message}` }], { cause });
  }
}

function checkRows(samples: Samples): void {
  const violations: Violation[] = [];
  if (samples.heldOut?.count === 0) violations.push({ field: "recipe.inputs.heldOut", description: "has no rows" });
  if (samples.validation?.count === 0) {
    violations.push({ field: "recipe.parameters.validationFraction", description: "is too small: it leaves no validation row" });
  }
  if (violations.length > 0) throw new InvalidEvaluationError(violations);
}
