import {
  CHECKPOINT_FORMAT,
  decodeCheckpoint,
  featurizerOf,
  headOf,
  headWeights,
  initialWeights,
  openBackend,
  savedState,
  type TrainResult,
  type TrainStep,
  trainMlp,
  type Weights,
} from "#libs/learning";
import {
  backendOf,
  buildModelManifest,
  canonicalJson,
  foldLicences,
  inputOf,
  inputsOf,
  type Json,
  mediaTypes,
  type Recipe,
  RecipeError,
  type TrainingParameters,
} from "#libs/recipes";
import { saveFloat32 } from "#libs/tensors";
import { expectKind, type LoadInput } from "./input.ts";
import { blobOf, type Product } from "./product.ts";
import { resumeFrom, type Watch } from "./watch.ts";

/** Runs a recipe of kind `pretrain`, `probe` or `fine-tune`. @throws RecipeError, NonFiniteLossError, UnfitInputError */
export async function makeModel(recipe: Recipe, load: LoadInput, watch: Watch): Promise<Product> {
  const backendName = backendOf(recipe.arithmetic);
  if (!backendName) throw new RecipeError("arithmetic", `this trainer cannot compute in ${recipe.arithmetic}`);
  const parameters = recipe.parameters as TrainingParameters;
  const [backend, datasets, models] = await Promise.all([
    openBackend(backendName),
    Promise.all(inputsOf(recipe, "datasets").map(async (digest) => expectKind(await load(digest), "dataset", "datasets"))),
    Promise.all(
      ["featurizer", "head"].flatMap((role) => inputsOf(recipe, role).map(async (digest) => expectKind(await load(digest), "model", role))),
    ),
  ]);
  const features = datasets[0]?.dataset.features ?? 0;
  const { weights, summary, curve } = await finish(
    trainMlp({
      backend,
      parameters,
      seed: recipe.seed ?? 0,
      weights: startingWeights(
        recipe,
        parameters,
        features,
        models.map((model) => model.weights),
      ),
      datasets: datasets.map(({ dataset }) => dataset),
      checkpoint: resumeFrom(watch, CHECKPOINT_FORMAT, decodeCheckpoint),
      signal: watch.signal,
    }),
    watch.onStep,
  );
  const model = blobOf(saveFloat32(weights, { format: "pt" }), mediaTypes.weights);
  const training = blobOf(new TextEncoder().encode(canonicalJson(curve as Json)), mediaTypes.document);
  const built = buildModelManifest({
    recipe,
    licences: foldLicences([...datasets, ...models].map(({ licences }) => licences)),
    weights: model.descriptor,
    training: training.descriptor,
    summary,
    architecture: parameters.architecture,
    parameterCount: [...weights.values()].reduce((sum, { data }) => sum + data.length, 0),
  });
  return { blobs: [model, training], built };
}

function startingWeights(recipe: Recipe, parameters: TrainingParameters, features: number, models: readonly Weights[]): Weights {
  const { hidden, classes, headInit, initSeed } = parameters;
  if (recipe.kind === "pretrain") {
    if (initSeed === undefined) throw new RecipeError("parameters.initSeed", "expected a seed: pre-training starts from random weights");
    return initialWeights({ features, hidden, classes, initSeed });
  }
  const featurizer = featurizerOf(models[0] ?? new Map());
  if (recipe.kind === "fine-tune") {
    inputOf(recipe, "head");
    return new Map([...featurizer, ...headOf(models[1] ?? new Map())]);
  }
  if (headInit === undefined) throw new RecipeError("parameters.headInit", "expected how the head starts");
  return new Map([...featurizer, ...headWeights({ ...headInit, features: hidden.at(-1) ?? features, classes })]);
}

async function finish(steps: AsyncGenerator<TrainStep, TrainResult, void>, onStep: Watch["onStep"]): Promise<TrainResult> {
  for (;;) {
    const next = await steps.next();
    if (next.done) return next.value;
    const { checkpoint, ...step } = next.value;
    onStep?.({ ...step, checkpoint: () => savedState(checkpoint()) });
  }
}
