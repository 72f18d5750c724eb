import { openPrediction } from "#libs/predictions";
import { buildModelManifest, type Digest, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { decodeSplit } from "#libs/splits";
import { bytesSource, loadWeights, saveWeights, type WeightTensor } from "#libs/tensors";
import type { Job } from "#proto/ratatouille/v1/finetune_pb.ts";
import { demand } from "./check.ts";
import type { Jobs } from "./jobs.ts";
import type { Task } from "./task.ts";

/** The bytes of the one layer of a type of an artifact. */
async function contentOf({ artifacts }: Jobs, digest: string, mediaType: string): Promise<Uint8Array> {
  const manifest = readManifest((await artifacts.get(digest)).manifest);
  return artifacts.download(layerOf(manifest, mediaType).digest);
}

type Weights = ReadonlyMap<string, WeightTensor>;

/** The tensors of a model. */
async function weightsOf(jobs: Jobs, digest: string): Promise<Weights> {
  return loadWeights(await contentOf(jobs, digest, mediaTypes.weights));
}

/** Publishes a model with the tensors of another one, their floats changed, as what a recipe makes. */
export async function publishChanged(
  jobs: Jobs,
  recipe: Recipe,
  of: Digest,
  change: (number: number) => number,
): Promise<{ readonly digest: Digest; readonly blob: Digest; readonly size: number }> {
  const changed = new Map<string, WeightTensor>();
  for (const [name, tensor] of await weightsOf(jobs, of))
    changed.set(name, tensor.dtype === "F32" ? { ...tensor, stored: "F32", data: tensor.data.map(change) } : tensor);
  const bytes = saveWeights(changed, { format: "pt" });
  const weights = await jobs.artifacts.upload(bytes, { mediaType: mediaTypes.weights });
  const built = buildModelManifest({ recipe, licences: ["CC0-1.0"], weights, architecture: "unknown", parameterCount: 1 });
  return { digest: (await jobs.artifacts.publish(built)).digest as Digest, blob: weights.digest, size: bytes.length };
}

/** All that a model has to be which was trained from another one. */
export async function checkModel(jobs: Jobs, { artifact, summary, attempts }: Job, start: Digest, steps: number): Promise<void> {
  const [made, before] = [await weightsOf(jobs, artifact), await weightsOf(jobs, start)];
  const [own, given] = [layoutsOf(made), layoutsOf(before)];
  const other = given.find((one) => !own.includes(one)) ?? own.find((one) => !given.includes(one));
  demand(other === undefined, `the tensors of a model are not those of the model that it was trained from: ${other}`);
  for (const [name, { data }] of made) {
    const wrong = data instanceof Float32Array ? data.findIndex((one) => !Number.isFinite(one)) : -1;
    demand(wrong < 0, `the tensor ${name} has a number that is not finite, at ${wrong}`);
  }
  const changed = [...made].some(([name, { data }]) => data.some((number, i) => number !== before.get(name)!.data[i]));
  demand(changed, "after a training the weights are what they were before");
  const said = JSON.parse(summary || "{}") as { readonly [name: string]: unknown };
  demand(said["steps"] === steps, `the summary of a training says steps: ${JSON.stringify(said["steps"])}; they were ${steps}`);
  demand(
    Number.isFinite(said["finalLoss"]),
    `the summary of a training says finalLoss: ${JSON.stringify(said["finalLoss"])}; expected a number`,
  );
  demand(Object.keys(attempts.at(-1)?.environment ?? {}).length > 0, "BeginAttempt was not told the environment of the attempt");
}

function layoutsOf(weights: Weights): string[] {
  return [...weights].map(([name, { stored, shape }]) => `${name} ${stored} [${shape.join(", ")}]`);
}

/** All that a prediction of the validation rows has to be. */
export async function checkPrediction(jobs: Jobs, { artifact, summary }: Job, { data, heldOut }: Task): Promise<void> {
  const prediction = await openPrediction(bytesSource(await contentOf(jobs, artifact, mediaTypes.predictionLayer)));
  const split = await decodeSplit(await contentOf(jobs, data.split, mediaTypes.splitLayer));
  const parts = split.filter(({ domain }) => domain !== heldOut).map(({ validation }) => [...validation]);
  const wanted = parts.flat().sort((a, b) => a - b);
  const rows = [...(await prediction.read("rows", 0, prediction.rows))];
  demand(rows.length === wanted.length, `a prediction has ${rows.length} rows; the recipe asks for ${wanted.length}`);
  const wrong = rows.findIndex((row, i) => row !== wanted[i]);
  demand(wrong < 0, `the rows of a prediction are those of the recipe, ascending: at ${wrong} it has ${rows[wrong]}, not ${wanted[wrong]}`);
  demand(prediction.classes === data.classes, `a prediction has ${prediction.classes} logits a row; there are ${data.classes} classes`);
  const said = JSON.parse(summary || "{}") as { readonly [name: string]: unknown };
  demand(said["rows"] === rows.length, `the summary of a prediction says rows: ${JSON.stringify(said["rows"])}; they are ${rows.length}`);
}

/** The logits of a prediction, row by row. */
export async function logitsOf(jobs: Jobs, digest: Digest): Promise<Float32Array> {
  const prediction = await openPrediction(bytesSource(await contentOf(jobs, digest, mediaTypes.predictionLayer)));
  return prediction.read("logits", 0, prediction.rows);
}
