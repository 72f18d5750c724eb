import { open } from "node:fs/promises";
import { eachBatch } from "#libs/batches";
import { writeTo } from "#libs/files";
import { predictNetwork, score } from "#libs/learning";
import { fitWeights, type Network, type NetworkWeights } from "#libs/networks";
import { planPrediction } from "#libs/predictions";
import { type Digest, inputsOf, mediaTypes, type PredictParameters, type Recipe, RecipeError } from "#libs/recipes";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { Made } from "../product.ts";
import type { Watch } from "../watch.ts";
import { layerOf, type Work } from "../work.ts";
import { chunksOf } from "./chunks.ts";
import { openImages, readImages } from "./images.ts";
import { mixModels } from "./mixture.ts";
import { engineFor, networkIn } from "./network.ts";
import { checkFixedTransform } from "./transform.ts";
import { readWeights } from "./weights.ts";

/** Rows that go through the network together; see services/finetune/needs/network.ts. */
const BATCH_ROWS = 64;

/** Rows of a data set, ascending, and for each the place of its domain in the recipe's list. */
type Wanted = { readonly rows: Int32Array; readonly rowDomains: Int32Array };

/**
 * Runs a recipe of kind `predict`. Logits are written as they come.
 * @throws RecipeError, UnfitWeightsError, ImageError, EngineMissingError, CacheFullError, the signal's reason
 */
export async function predict(recipe: Recipe, work: Work, { signal, onRows }: Watch): Promise<Made> {
  const { classes, domains, part = "all", transform } = recipe.parameters as PredictParameters;
  checkFixedTransform("parameters.transform", transform);
  const network = networkIn(recipe);
  const engine = await engineFor(recipe, work);
  const images = await readImages(recipe, work);
  const { rows, rowDomains } = inOrder(images.rowsOf(part));
  if (rows.length === 0) throw new RecipeError("parameters.domains", "have no rows to predict");
  const weights = await weightsOf(recipe, network, work, signal);
  await using opened = await openImages(images.index, [rows], network, work);
  const path = await work.scratch("prediction.safetensors");
  const { header, offsets } = planPrediction({ rows: rows.length, classes, domains });
  await using file = await open(path, "w");
  const place = (name: string) => offsets.get(name)!.begin;
  await writeTo(file, header, 0);
  const labels = rows.map((row) => images.index.class[row]!);
  for (const [name, column] of Object.entries({ labels, domains: rowDomains, rows })) await writeTo(file, bytesOf(column), place(name));
  const batches = eachBatch({ loader: opened.loader, rows, batch: BATCH_ROWS, transform });
  let [done, correct, loss] = [0, 0, 0];
  for await (const logits of predictNetwork({ engine, network, weights, batches, signal })) {
    checkFinite(logits, rows, done, classes);
    await writeTo(file, bytesOf(logits), place("logits") + 4 * classes * done);
    const count = logits.length / classes;
    const part = score(logits, labels.subarray(done, done + count));
    correct += part.correct;
    loss += part.loss * count;
    done += count;
    onRows?.(done, rows.length);
  }
  const summary = { rows: done, accuracy: correct / done, loss: loss / done };
  return { outputs: [{ role: "prediction", content: () => chunksOf(path) }], summary };
}

function inOrder(parts: readonly Int32Array[]): Wanted {
  const all = parts.flatMap((rows, domain) => Array.from(rows, (row) => [row, domain] as const)).sort(([a], [b]) => a - b);
  return { rows: Int32Array.from(all, ([row]) => row), rowDomains: Int32Array.from(all, ([, domain]) => domain) };
}

/** The weights of the one model, or of the mean of several, which is a file of this machine alone. */
async function weightsOf(recipe: Recipe, network: Network, work: Work, signal: AbortSignal | undefined): Promise<NetworkWeights> {
  const { weights: given } = recipe.parameters as PredictParameters;
  using held = new DisposableStack();
  const hold = async (digest: Digest) => {
    const layer = layerOf(work.input(digest), ArtifactKind.MODEL, mediaTypes.weights, "models");
    return { path: held.use(await work.hold(layer)).path, digest: layer.digest };
  };
  // One after another: were they asked for at once, those that come after one has failed would be held by nobody.
  const models: Awaited<ReturnType<typeof hold>>[] = [];
  for (const digest of inputsOf(recipe, "models")) models.push(await hold(digest));
  const path = models.length === 1 ? models[0]!.path : await work.scratch("mean.safetensors");
  if (models.length > 1) await mixModels(models, given, path, signal ?? new AbortController().signal);
  return fitWeights(network, await readWeights(path), { head: "require" }).weights;
}

function checkFinite(logits: Float32Array, rows: Int32Array, done: number, classes: number): void {
  const wrong = logits.findIndex((logit) => !Number.isFinite(logit));
  if (wrong < 0) return;
  const row = rows[done + Math.floor(wrong / classes)];
  throw new RecipeError("inputs.models", `give ${logits[wrong]} for row ${row} of the data set: their weights are too large`);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
