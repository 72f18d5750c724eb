import { decodeDataset } from "#libs/datasets";
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
} from "#libs/recipes";
import { bytesSource, loadFloat32, openSafetensors } from "#libs/tensors";
import { averageModels } from "../../services/averaging/average-models.ts";
import { checkRecipe } from "../../services/averaging/check-recipe.ts";
import { compareLayouts } from "../../services/averaging/compatibility.ts";
import { runEvaluation } from "../../services/evaluation/run-evaluation.ts";
import type { Outcome } from "../../services/recycling/template.ts";
import type { Input } from "../../services/trainer/input.ts";
import { runRecipe } from "../../services/trainer/run-recipe.ts";

/** Runs recipes on what was made before; everything stays in memory. */
export type BareStore = { make(recipe: Recipe): Promise<Outcome> };

/** An artifact: its safetensors file, and what trainers want of it, decoded when first asked for. */
type Made = { readonly bytes: Uint8Array; input?: Input };

/** Numbers of a tensor that are averaged at a time. */
const WINDOW_ELEMENTS = 1 << 17;

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
    const { blobs, built } = await runRecipe(recipe, async (digest) => {
      const found = find(digest);
      found.input ??= decode(found.bytes, recipe, digest);
      return found.input;
    });
    const manifest = readManifest(built.manifest);
    const main = blobs.find(({ descriptor }) => descriptor.mediaType !== mediaTypes.document);
    made.set(built.digest, { bytes: main?.bytes ?? new Uint8Array() });
    const accuracy = manifest.summary["validationAccuracy"];
    return { state: "done", digest: built.digest, ...(typeof accuracy === "number" ? { validationAccuracy: accuracy } : {}) };
  }

  async function average(recipe: Recipe): Promise<Outcome> {
    const checked = checkRecipe(recipe);
    const members = await Promise.all(bytesOf(recipe, "models").map((bytes) => openSafetensors(bytesSource(bytes))));
    const { layout } = compareLayouts(
      members.map(({ header }) => header),
      checked.exclude,
    );
    const pieces: Uint8Array[] = [];
    const job = { members, layout, average: checked, windowElements: WINDOW_ELEMENTS };
    for await (const piece of averageModels(job, { signal: new AbortController().signal, onRead: () => {} })) pieces.push(piece);
    const digest = recipeKey(recipe);
    made.set(digest, { bytes: new Uint8Array(Buffer.concat(pieces)) });
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
      if (recipe.kind === "average") return average(recipe);
      return recipe.kind === "evaluate" ? evaluate(recipe) : train(recipe);
    },
  };
}

/** Roles say what an input is: data sets under `datasets`, models under the others. */
function decode(bytes: Uint8Array, recipe: Recipe, digest: Digest): Input {
  if (inputsOf(recipe, "datasets").includes(digest)) return { kind: "dataset", licences: [], dataset: decodeDataset(bytes) };
  return { kind: "model", licences: [], weights: loadFloat32(bytes) };
}
