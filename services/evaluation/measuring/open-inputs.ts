import { type Artifacts, blobSource } from "#libs/artifacts";
import { type OpenPrediction, openPrediction, PredictionError } from "#libs/predictions";
import {
  type Digest,
  inputsOf,
  layerOf,
  ManifestError,
  mediaTypes,
  type ReadManifest,
  type Recipe,
  RecipeError,
  readManifest,
} from "#libs/recipes";
import { SafetensorsError } from "#libs/tensors";
import { InvalidEvaluationError, type Violation } from "../errors.ts";

/** A prediction of the catalog: its manifest, and its numbers to be read by ranges. */
export type PredictionInput = { readonly field: string; readonly manifest: ReadManifest; readonly prediction: OpenPrediction };

/**
 * Opens the predictions of a recipe and checks that they are of the same data set, classes, domains and number of rows.
 * @throws InvalidEvaluationError with all violations; RpcError NOT_FOUND, DATA_LOSS from the catalog.
 */
export async function openInputs(recipe: Recipe, artifacts: Artifacts, signal: AbortSignal): Promise<PredictionInput[]> {
  const opened: PredictionInput[] = [];
  const violations: Violation[] = [];
  for (const [position, digest] of inputsOf(recipe, "predictions").entries()) {
    const field = `recipe.inputs.predictions[${position}]`;
    try {
      opened.push({ field, ...(await openInput(digest, artifacts, signal)) });
    } catch (error) {
      if (!unreadable.some((kind) => error instanceof kind)) throw error;
      violations.push({ field, description: (error as Error).message });
    }
  }
  const [first] = opened;
  for (const other of opened) violations.push(...differences(other, first!));
  if (violations.length > 0) throw new InvalidEvaluationError(violations);
  if (first?.prediction.rows === 0) throw new InvalidEvaluationError([{ field: first.field, description: "has no rows" }]);
  return opened;
}

const unreadable = [ManifestError, PredictionError, RecipeError, SafetensorsError];

async function openInput(digest: Digest, artifacts: Artifacts, signal: AbortSignal): Promise<Omit<PredictionInput, "field">> {
  const manifest = readManifest((await artifacts.get(digest, { signal })).manifest);
  if (manifest.kind !== "prediction") throw new PredictionError(`is of kind ${manifest.kind}; it has to be a prediction`);
  const layer = layerOf(manifest, mediaTypes.predictionLayer);
  return { manifest, prediction: await openPrediction(blobSource(artifacts, layer, signal)) };
}

function* differences({ field, manifest, prediction }: PredictionInput, first: PredictionInput): Generator<Violation> {
  const other = first.prediction;
  const data = manifest.recipe.inputs["dataset"];
  const dataOfFirst = first.manifest.recipe.inputs["dataset"];
  if (data !== undefined && dataOfFirst !== undefined && data !== dataOfFirst)
    yield { field, description: `is of the data set ${data}; the first is of ${dataOfFirst}` };
  if (prediction.classes !== other.classes)
    yield { field, description: `has ${prediction.classes} classes; the first has ${other.classes}` };
  if (JSON.stringify(prediction.domains) !== JSON.stringify(other.domains))
    yield { field, description: `is of the domains ${prediction.domains.join(", ")}; the first is of ${other.domains.join(", ")}` };
  if (prediction.rows !== other.rows) yield { field, description: `has ${prediction.rows} rows; the first has ${other.rows}` };
}
