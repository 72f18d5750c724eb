import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { openLocalBus } from "#libs/bus";
import { encodeDataset, generateGlyphs } from "#libs/datasets";
import {
  arithmetics,
  buildDatasetManifest,
  buildModelManifest,
  type Digest,
  type Json,
  mediaTypes,
  parseRecipe,
  type Recipe,
} from "#libs/recipes";
import { connect, type ServiceClient, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { type AverageProgress, AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createCatalog } from "../../catalog/index.ts";
import { createAveraging } from "../index.ts";

/** The averaging service and a real catalog, each behind a port of its own. */
export type TestSystem = AsyncDisposable & {
  readonly artifacts: Artifacts;
  readonly client: ServiceClient<typeof AveragingService>;
  readonly catalog: ServiceClient<typeof CatalogService>;
  /** A data set in the catalog. */
  readonly dataset: Digest;
  /** The file of a blob in the catalog. */
  blobPath(digest: string): string;
  /** Publishes a safetensors file as a model, under a recipe of its own: trained from the same foundation model as the others, unless it shall be one. */
  publishModel(
    file: Uint8Array,
    options?: { readonly licence?: string; readonly architecture?: string; readonly foundation?: boolean; readonly from?: Digest },
  ): Promise<Digest>;
  /** Averages to the end: all progress, and the artifact. */
  average(
    recipe: Recipe | string,
    options?: { readonly reproduce?: boolean; readonly allowUnrelated?: boolean; readonly signal?: AbortSignal },
  ): Promise<{ progress: AverageProgress[]; artifact: Artifact }>;
  /** How often the service logged a message. */
  logged(message: string): Promise<number>;
};

/** @param options.local whether the averaging service finds the catalog's blobs as files */
export async function startSystem(options: { readonly scratchBytes?: number; readonly local?: boolean } = {}): Promise<TestSystem> {
  const { scratchBytes, local = false } = options;
  const stack = new AsyncDisposableStack();
  const directory = stack.use(await temporaryDirectory());
  const logFile = directory.join("log");
  const log = createLogger({ service: "test", destination: logFile });
  const bus = stack.use(await openLocalBus({ path: ":memory:" }));
  const catalog = stack.use(await createCatalog({ directory: directory.join("catalog"), bus, log }));
  const catalogServer = stack.use(await serve({ address: "127.0.0.1:0", services: catalog.registrations, log }));
  const channel = stack.use(connect(catalogServer.address));
  const averaging = stack.use(
    await createAveraging({
      directory: directory.join("averaging"),
      clients: channel,
      log,
      ...(scratchBytes === undefined ? {} : { scratchBytes }),
      ...(local ? { store: directory.join("catalog", "blobs") } : {}),
    }),
  );
  const server = stack.use(await serve({ address: "127.0.0.1:0", services: averaging.registrations, log }));
  const client = stack.use(connect(server.address)).client(AveragingService);
  const artifacts = createArtifacts(channel);
  const dataset = await publishDataset(artifacts);
  let models = 0;
  let origin: Digest;
  const publishModel: TestSystem["publishModel"] = async (
    file,
    { licence = "Apache-2.0", architecture = "mlp", foundation = false, from = origin } = {},
  ) => {
    const weights = await artifacts.upload(file, { mediaType: mediaTypes.weights });
    const recipe = parseRecipe({
      kind: foundation ? "pretrain" : "probe",
      inputs: { datasets: [dataset], ...(foundation ? {} : { featurizer: from }) },
      parameters: training,
      seed: models++,
      arithmetic: arithmetics.wasm,
    });
    const built = buildModelManifest({ recipe, licences: [licence], weights, architecture, parameterCount: 1 });
    return (await artifacts.publish(built)).digest as Digest;
  };
  origin = await publishModel(writeSafetensors([]), { foundation: true });
  return {
    artifacts,
    client,
    catalog: channel.client(CatalogService),
    dataset,
    blobPath: (digest) => join(directory.path, "catalog", "blobs", "sha256", digest.slice(7, 9), digest.slice(7)),
    publishModel,
    async average(recipe, { reproduce = false, allowUnrelated = false, signal } = {}) {
      const progress: AverageProgress[] = [];
      for await (const { event } of client.average(
        { recipe: typeof recipe === "string" ? recipe : JSON.stringify(recipe), reproduce, allowUnrelated },
        { timeoutMs: 60_000, signal },
      )) {
        if (event.case === "artifact") return { progress, artifact: event.value };
        if (event.case === "progress") progress.push(event.value);
      }
      throw new Error("no artifact came");
    },
    async logged(message) {
      const lines = (await readFile(logFile, "utf8")).split("\n");
      return lines.filter((line) => line.includes(`"msg":${JSON.stringify(message)}`)).length;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function publishDataset(artifacts: Artifacts): Promise<Digest> {
  const parameters = { generator: "glyphs/1" as const, classes: 2, images: 2, styles: ["plain" as const], rotation: 0, alphabetSeed: 1 };
  const data = await artifacts.upload(encodeDataset(generateGlyphs(parameters, 1)), { mediaType: mediaTypes.datasetLayer });
  const recipe = parseRecipe({ kind: "dataset", inputs: {}, parameters, seed: 1 });
  return (await artifacts.publish(buildDatasetManifest({ recipe, licences: ["CC0-1.0"], data }))).digest as Digest;
}

const training: { [name: string]: Json } = {
  architecture: "mlp",
  hidden: [4],
  classes: 2,
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

/** A recipe for an average; uniform unless it says otherwise. */
export function averageRecipe(models: readonly Digest[], parameters: { readonly [name: string]: Json } = {}): Recipe {
  return {
    kind: "average",
    inputs: { models },
    parameters: { method: "uniform", dtype: "F32", ...parameters },
    arithmetic: arithmetics.averaging,
  };
}
