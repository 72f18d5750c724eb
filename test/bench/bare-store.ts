import { decodeDataset } from "#libs/datasets";
import { loadKernels } from "#libs/kernels";
import { meanOfWindow } from "#libs/merging";
import {
  backendOf,
  type Digest,
  type EvaluateParameters,
  type EvaluationResult,
  inputsOf,
  mediaTypes,
  type Recipe,
  readManifest,
  recipeKey,
  type TrainingSummary,
} from "#libs/recipes";
import { loadFloat32, saveFloat32 } from "#libs/tensors";
import { checkRecipe } from "../../services/averaging/check-recipe.ts";
import { runEvaluation } from "../../services/evaluation/run-evaluation.ts";
import type { Outcome } from "../../services/recycling/plan/outcome.ts";
import type { Input } from "../../services/trainer/input.ts";
import { artifactOf } from "../../services/trainer/product.ts";
import { runRecipe } from "../../services/trainer/run-recipe.ts";
import { workInMemory } from "../../services/trainer/work.ts";

/** Runs recipes on what was made before; everything stays in memory. */
export type BareStore = { make(recipe: Recipe): Promise<Outcome> };

/** An artifact: its safetensors file, and what trainers want of it, decoded when first asked for. */
type Made = { readonly bytes: Uint8Array; input?: Input };

/** A store that knows the handwriting only. Averages and evaluations go by their keys, since nothing is published. */
export function createBareStore(source: { readonly digest: Digest; readonly files: ReadonlyMap<string, Uint8Array> }): BareStore {
  const made = new Map<Digest, Made>([
    [source.digest, { bytes: new Uint8Array(), input: { kind: "source", licences: [], files: source.files } }],
  ]);

  function find(digest: Digest): Made {
    const found = made.get(digest);
    if (found === undefined) throw new Error(`${digest} has not been made`);
    return found;
  }

  const bytesOf = (recipe: Recipe, role: string) => inputsOf(recipe, role).map((digest) => find(digest).bytes);

  async function train(recipe: Recipe): Promise<Outcome> {
    const work = workInMemory(async (digest) => {
      const found = find(digest);
      found.input ??= decode(found.bytes, recipe, digest);
      return found.input;
    });
    const product = await runRecipe(recipe, work);
    const { blobs, built } = artifactOf(product);
    const manifest = readManifest(built.manifest);
    const main = blobs.find(({ descriptor }) => descriptor.mediaType !== mediaTypes.document);
    made.set(built.digest, { bytes: main?.bytes ?? new Uint8Array() });
    return { state: "done", digest: built.digest, trained: manifest.summary as TrainingSummary };
  }

  function average(recipe: Recipe): Outcome {
    const { exclude } = checkRecipe(recipe);
    const members = bytesOf(recipe, "models").map(loadFloat32);
    const names = [...members[0]!.keys()].filter((name) => !exclude.has(name));
    const means = names.map((name) => [name, mean(members.map((member) => member.get(name)!))] as const);
    const digest = recipeKey(recipe);
    made.set(digest, { bytes: saveFloat32(new Map(means), { format: "pt" }) });
    return { state: "done", digest };
  }

  async function evaluate(recipe: Recipe): Promise<Outcome> {
    const result: EvaluationResult = await runEvaluation({
      parameters: recipe.parameters as EvaluateParameters,
      backend: backendOf(recipe.arithmetic) ?? "wasm",
      models: bytesOf(recipe, "models"),
      heldOut: bytesOf(recipe, "heldOut")[0],
      validation: bytesOf(recipe, "validation"),
    });
    return { state: "done", digest: recipeKey(recipe), result };
  }

  return {
    make(recipe) {
      if (recipe.kind === "average") return Promise.resolve(average(recipe));
      return recipe.kind === "evaluate" ? evaluate(recipe) : train(recipe);
    },
  };
}

const kernels = loadKernels();

/** The uniform average of one tensor: the only one that recyclings make. */
function mean(tensors: readonly { readonly shape: readonly number[]; readonly data: Float32Array }[]) {
  const [{ shape, data }] = tensors as [(typeof tensors)[0]];
  const count = data.length;
  kernels.release();
  const inputs = tensors.map(() => kernels.allocate(4 * count));
  const [out, spare, undecided] = [kernels.allocate(4 * count), kernels.allocate(4 * count), kernels.allocate(4 * count)] as const;
  for (const [k, tensor] of tensors.entries()) kernels.float32(inputs[k]!, count).set(tensor.data);
  const weights = tensors.map(() => 1);
  meanOfWindow(kernels, { inputs, type: "F32", weights, divisor: "sum", out, outType: "F32", count, undecided, spare });
  return { shape, data: kernels.float32(out, count).slice() };
}

/** Roles say what an input is: data sets under `datasets`, models under the others. */
function decode(bytes: Uint8Array, recipe: Recipe, digest: Digest): Input {
  if (inputsOf(recipe, "datasets").includes(digest)) return { kind: "dataset", licences: [], dataset: decodeDataset(bytes) };
  return { kind: "model", licences: [], weights: loadFloat32(bytes) };
}
