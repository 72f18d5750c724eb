import { readFile } from "node:fs/promises";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { openLocalBus } from "#libs/bus";
import type { Dataset } from "#libs/datasets";
import type { Weights } from "#libs/learning";
import { encodePrediction, type Prediction } from "#libs/predictions";
import {
  arithmetics,
  buildDatasetManifest,
  buildModelManifest,
  buildPredictionManifest,
  type Digest,
  type EvaluateParameters,
  evaluationArithmetics,
  type Json,
  mediaTypes,
  parseRecipe,
  type Recipe,
} from "#libs/recipes";
import { connect, type ServiceClient, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { temporaryDirectory } from "#libs/testing";
import { EvaluationService } from "#proto/ratatouille/v1/evaluation_pb.ts";
import { createCatalog } from "../../catalog/index.ts";
import { createEvaluation } from "../index.ts";
import { files } from "./digits.ts";

/** The evaluation service and a real catalog, each behind a port of its own. */
export type TestSystem = AsyncDisposable & {
  readonly directory: string;
  readonly artifacts: Artifacts;
  readonly client: ServiceClient<typeof EvaluationService>;
  /** Publishes a data set under a recipe that is its own. */
  publishDataset(dataset: Dataset, seed: number): Promise<Digest>;
  /** Publishes a model that says it was trained on a data set. */
  publishModel(weights: Weights, from: { readonly dataset: Digest; readonly seed: number; readonly licence?: string }): Promise<Digest>;
  /** Publishes a prediction that says it is of a model and a data set. */
  publishPrediction(
    prediction: Prediction,
    of: { readonly model: Digest; readonly dataset: Digest; readonly size?: number },
  ): Promise<Digest>;
  /** Evaluations that were computed, not answered from the catalog. */
  measured(): Promise<number>;
};

export async function startSystem({ workers = 2 }: { readonly workers?: number } = {}): Promise<TestSystem> {
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const logFile = directory.join("log");
  const log = createLogger({ service: "test", destination: logFile });
  const bus = stack.use(await openLocalBus({ path: ":memory:" }));
  const catalog = stack.use(await createCatalog({ directory: directory.join("catalog"), bus, log }));
  const catalogServer = stack.use(await serve({ address: "127.0.0.1:0", services: catalog.registrations, log }));
  const channel = stack.use(connect(catalogServer.address));
  const evaluation = stack.use(await createEvaluation({ clients: channel, log, workers }));
  const server = stack.use(await serve({ address: "127.0.0.1:0", services: evaluation.registrations, log }));
  const artifacts = createArtifacts(channel);
  return {
    directory: directory.path,
    artifacts,
    client: stack.use(connect(server.address)).client(EvaluationService),
    async publishDataset(dataset, seed) {
      const data = await artifacts.upload(files.dataset(dataset), { mediaType: mediaTypes.datasetLayer });
      const parameters = {
        generator: "glyphs/1",
        classes: dataset.classes,
        images: dataset.count,
        styles: ["plain"],
        rotation: 0.2,
        alphabetSeed: 1,
      };
      const recipe = parseRecipe({ kind: "dataset", inputs: {}, parameters, seed });
      return (await artifacts.publish(buildDatasetManifest({ recipe, licences: ["CC0-1.0"], data }))).digest as Digest;
    },
    async publishModel(weights, { dataset, seed, licence = "Apache-2.0" }) {
      const descriptor = await artifacts.upload(files.model(weights), { mediaType: mediaTypes.weights });
      const recipe = parseRecipe({
        kind: "pretrain",
        inputs: { datasets: [dataset] },
        parameters: training,
        seed,
        arithmetic: evaluationArithmetics.wasm,
      });
      const model = { recipe, licences: [licence], weights: descriptor, architecture: "mlp", parameterCount: 1 };
      return (await artifacts.publish(buildModelManifest(model))).digest as Digest;
    },
    async publishPrediction(prediction, { model, dataset, size = 16 }) {
      const logits = await artifacts.upload(encodePrediction(prediction), { mediaType: mediaTypes.predictionLayer });
      const { classes, domains } = prediction;
      const recipe = parseRecipe({
        ...{ kind: "predict", inputs: { models: [model], dataset }, arithmetic: arithmetics.training },
        // What tells one from another: the recipe of two with the same is one.
        parameters: { network: { name: "mnist-cnn", size }, classes, domains, transform: "resize/1" },
      });
      return (await artifacts.publish(buildPredictionManifest({ recipe, licences: ["Apache-2.0"], logits }))).digest as Digest;
    },
    async measured() {
      const lines = (await readFile(logFile, "utf8")).split("\n");
      return lines.filter((line) => line.includes('"msg":"measured"')).length;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const training: { [name: string]: Json } = {
  architecture: "mlp",
  hidden: [32, 16],
  classes: 10,
  steps: 1,
  batch: 1,
  learningRate: 0.1,
  weightDecay: 0,
  dropout: 0,
  train: "all",
  keep: "last",
  validationFraction: 0.2,
  validateEvery: 0,
};

/** An evaluation recipe; accuracy unless it says otherwise. */
export function evaluateRecipe(inputs: Recipe["inputs"], parameters: Partial<EvaluateParameters> = {}): Recipe {
  return parseRecipe({
    kind: "evaluate",
    inputs,
    parameters: { measure: "accuracy", validationFraction: 0.2, ...parameters },
    arithmetic: evaluationArithmetics.wasm,
  });
}

/** A recipe of kind `measure`. */
export function measureRecipe(predictions: readonly Digest[], measure: string, options?: { readonly [name: string]: Json }): Recipe {
  const parameters = { measure, ...(options ? { options } : {}) };
  return { kind: "measure", inputs: { predictions }, parameters, arithmetic: arithmetics.measuring };
}
