import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createArtifacts } from "#libs/artifacts";
import { openLocalBus } from "#libs/bus";
import { encodeDataset, generateGlyphs } from "#libs/datasets";
import { arithmetics, buildDatasetManifest, buildModelManifest, type Digest, mediaTypes, parseRecipe } from "#libs/recipes";
import { connect, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { parseSafetensorsHeader, saveFloat32, type TensorData, writeSafetensors } from "#libs/tensors";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { createCatalog } from "../../services/catalog/index.ts";

/** Numbers of a small model by name: shape and values. */
export type Numbers = { readonly [tensor: string]: { readonly shape: readonly number[]; readonly values: readonly number[] } };

/** Three tensors that differ with `seed`, the same shapes for every seed. */
export function numbersOf(seed: number): Numbers {
  const of = (shape: readonly number[], at: number) => ({
    shape,
    values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => at + i + ((i * seed) % 7) / 8),
  });
  return { "encoder.weight": of([4, 8], 1), "encoder.bias": of([8], -2), "head.weight": of([3, 8], 0.5 * seed) };
}

/** A safetensors file of float32 tensors. */
export function weightsFile(numbers: Numbers): Uint8Array {
  return saveFloat32(
    new Map(Object.entries(numbers).map(([name, { shape, values }]) => [name, { shape, data: Float32Array.from(values) }])),
  );
}

/** The mean of models, each number rounded once to float32. */
export function meanOf(models: readonly Numbers[], weights: readonly number[] = models.map(() => 1)): Map<string, number[]> {
  const total = weights.reduce((a, b) => a + b, 0);
  const mean = (name: string, i: number) =>
    Math.fround(models.reduce((sum, model, k) => sum + weights[k]! * model[name]!.values[i]!, 0) / total);
  return new Map(Object.entries(models[0]!).map(([name, { values }]) => [name, values.map((_, i) => mean(name, i))]));
}

/** The float32 numbers of a file. */
export function readNumbers(file: Uint8Array): Map<string, number[]> {
  const { tensors, dataOffset } = parseSafetensorsHeader(file, file.length);
  const values = (begin: number, end: number) => [...new Float32Array(file.slice(dataOffset + begin, dataOffset + end).buffer)];
  return new Map([...tensors].map(([name, { begin, end }]) => [name, values(begin, end)]));
}

/** Writes a folder as Hugging Face has it, in two shards, with what belongs to it. */
export async function writeFolder(path: string, numbers: Numbers, config: object, card = ""): Promise<void> {
  await mkdir(path, { recursive: true });
  const tensors = Object.entries(numbers).map(
    ([name, { shape, values }]): TensorData => ({ name, dtype: "F32", shape, data: new Uint8Array(Float32Array.from(values).buffer) }),
  );
  const shards = [tensors.slice(0, 1), tensors.slice(1)];
  const names = shards.map((_, i) => `model-0000${i + 1}-of-00002.safetensors`);
  const map = shards.flatMap((shard, i) => shard.map(({ name }) => [name, names[i]!]));
  for (const [i, shard] of shards.entries()) await writeFile(join(path, names[i]!), writeSafetensors(shard, { format: "pt" }));
  await writeFile(join(path, "model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(map) }));
  await writeFile(join(path, "config.json"), JSON.stringify(config));
  await writeFile(join(path, "preprocessor_config.json"), '{"size": 4}\n');
  if (card !== "") await writeFile(join(path, "README.md"), card);
}

/** Publishes models in the catalog of a data directory, under names, and leaves it closed. */
export async function publishModels(directory: string, models: { readonly [ref: string]: Uint8Array }): Promise<Map<string, Digest>> {
  await using stack = new AsyncDisposableStack();
  const log = createLogger({ service: "test", level: "silent" });
  const bus = stack.use(await openLocalBus({ path: ":memory:" }));
  const catalog = stack.use(await createCatalog({ directory, bus, log }));
  const server = stack.use(await serve({ address: "127.0.0.1:0", services: catalog.registrations, log }));
  const channel = stack.use(connect(server.address));
  const artifacts = createArtifacts(channel);
  const glyphs = { generator: "glyphs/1" as const, classes: 2, images: 2, styles: ["plain" as const], rotation: 0, alphabetSeed: 1 };
  const data = await artifacts.upload(encodeDataset(generateGlyphs(glyphs, 1)), { mediaType: mediaTypes.datasetLayer });
  const dataset = parseRecipe({ kind: "dataset", inputs: {}, parameters: glyphs, seed: 1 });
  const { digest } = await artifacts.publish(buildDatasetManifest({ recipe: dataset, licences: ["CC0-1.0"], data }));
  const pretraining = { architecture: "mlp", hidden: [4], classes: 2, steps: 1, batch: 1, learningRate: 0.1, weightDecay: 0, dropout: 0 };
  const found = new Map<string, Digest>();
  const foundation = await publish(weightsFile(numbersOf(0)), {
    kind: "pretrain",
    inputs: { datasets: [digest] },
    ...{ parameters: { ...pretraining, ...rest }, seed: 0, arithmetic: arithmetics.wasm },
  });
  for (const [i, [ref, file]] of Object.entries(models).entries()) {
    const inputs = { datasets: [digest], featurizer: foundation, head: foundation };
    found.set(
      ref,
      await publish(file, { kind: "fine-tune", inputs, parameters: { ...pretraining, ...rest }, seed: i, arithmetic: arithmetics.wasm }),
    );
    await channel.client(CatalogService).moveRef({ name: ref, to: found.get(ref)!, reason: "test" });
  }
  return found;

  async function publish(file: Uint8Array, recipe: object): Promise<Digest> {
    const weights = await artifacts.upload(file, { mediaType: mediaTypes.weights });
    const manifest = buildModelManifest({
      recipe: parseRecipe(recipe),
      licences: ["Apache-2.0"],
      weights,
      architecture: "mlp",
      parameterCount: 1,
    });
    return (await artifacts.publish(manifest)).digest as Digest;
  }
}

const rest = { train: "all", keep: "last", validationFraction: 0.2, validateEvery: 0 };
