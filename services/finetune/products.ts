import {
  annotations,
  type BuiltManifest,
  buildDatasetManifest,
  buildModelManifest,
  buildPredictionManifest,
  buildSplitManifest,
  canonicalJson,
  type Descriptor,
  type Digest,
  digestOf,
  foldLicences,
  isDigest,
  type Json,
  mediaTypes,
  type Recipe,
} from "#libs/recipes";
import { quote } from "#libs/text";
import { invalidOutputs } from "./errors.ts";
import type { ResolvedInput } from "./inputs.ts";
import type { Files } from "./results/files.ts";
import { isFloat } from "./results/tensors.ts";

/** What an attempt has made: blobs of the catalog by role, and what it says of itself, as JSON texts; "" for nothing. */
export type Made = {
  readonly outputs: readonly { readonly role: string; readonly digest: string; readonly size: number }[];
  readonly summary: string;
  readonly curve: string;
};

/** An artifact to publish, and its blobs that the catalog does not have yet. */
export type Product = { readonly built: BuiltManifest; readonly blobs: readonly Uint8Array[] };

type Common = { readonly recipe: Recipe; readonly licences: readonly string[] };
type Take = (role: string, mediaType: string) => readonly Descriptor[];
type Build = (common: Common, take: Take, made: Made, files: Files) => Promise<Product>;

const LONGEST_SUMMARY = 64 << 10;
const LONGEST_CURVE = 2 << 20;

/** How the outputs of a kind of recipe become an artifact. A new kind is one more line. */
const builders: { readonly [kind: string]: Build } = {
  dataset: async (common, take) => {
    const shards = take("shards", mediaTypes.shard).map((shard, i) => titled(shard, `shard-${String(i).padStart(6, "0")}.tar`));
    return { built: buildDatasetManifest({ ...common, data: one(take("data", mediaTypes.datasetLayer), "data"), shards }), blobs: [] };
  },
  split: async (common, take) => {
    return { built: buildSplitManifest({ ...common, rows: one(take("split", mediaTypes.splitLayer), "split") }), blobs: [] };
  },
  predict: async (common, take, { summary }) => {
    const logits = one(take("prediction", mediaTypes.predictionLayer), "prediction");
    const said = summary === "" ? {} : { summary: parseSummary(summary) };
    return { built: buildPredictionManifest({ ...common, logits, ...said }), blobs: [] };
  },
  train: buildModel,
  pretrain: buildModel,
  probe: buildModel,
  "fine-tune": buildModel,
};

/**
 * The artifact that an attempt has made. Its licences are those of the inputs.
 * @throws RpcError INVALID_ARGUMENT (OUTPUTS_INVALID) naming the role, and what `files` does
 */
export async function buildProduct(recipe: Recipe, inputs: readonly ResolvedInput[], made: Made, files: Files): Promise<Product> {
  const build = builders[recipe.kind];
  if (!build) throw invalidOutputs("outputs", `nothing is made here of recipes of kind ${recipe.kind}`);
  const taken = new Set<string>();
  const take: Take = (role, mediaType) => {
    taken.add(role);
    return made.outputs.flatMap((output) => (output.role === role ? [descriptorOf(output, mediaType)] : []));
  };
  const licences = foldLicences(inputs.flatMap((input) => input.artifacts.map((artifact) => artifact.licences)));
  const product = await build({ recipe, licences }, take, made, files);
  const stranger = made.outputs.find(({ role }) => !taken.has(role));
  if (stranger)
    throw invalidOutputs("outputs", `a recipe of kind ${recipe.kind} makes ${[...taken].join(", ")}, not ${quote(stranger.role)}`);
  return product;
}

async function buildModel(common: Common, take: Take, { summary, curve }: Made, files: Files): Promise<Product> {
  const weights = one(take("weights", mediaTypes.weights), "weights");
  const { tensors } = (await files.open(weights)).header;
  const floats = [...tensors.values()].filter(({ dtype }) => isFloat(dtype));
  const { network, architecture } = common.recipe.parameters as {
    readonly network?: { readonly name: string };
    readonly architecture?: string;
  };
  const training = curve === "" ? undefined : new TextEncoder().encode(canonicalJson(parseJson("curve", curve, LONGEST_CURVE)));
  const built = buildModelManifest({
    ...common,
    weights,
    ...(training ? { training: { mediaType: mediaTypes.document, digest: digestOf(training), size: training.length } } : {}),
    ...(summary === "" ? {} : { summary: parseSummary(summary) }),
    architecture: network?.name ?? architecture ?? "unknown",
    parameterCount: floats.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
    dtype: floats.every(({ dtype }) => dtype === floats[0]?.dtype) ? floats[0]?.dtype : "mixed",
  });
  return { built, blobs: training ? [training] : [] };
}

/** A JSON object that an attempt says of what it made. @throws RpcError INVALID_ARGUMENT */
export function parseSummary(text: string): { readonly [name: string]: Json } {
  const summary = parseJson("summary", text, LONGEST_SUMMARY);
  if (typeof summary === "object" && summary !== null && !Array.isArray(summary)) return summary as { readonly [name: string]: Json };
  throw invalidOutputs("summary", "expected a JSON object");
}

function parseJson(field: string, text: string, longest: number): Json {
  if (text.length > longest) throw invalidOutputs(field, `has ${text.length} characters; at most ${longest} are possible`);
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw invalidOutputs(field, "is not JSON");
  }
}

function one([first, ...others]: readonly Descriptor[], role: string): Descriptor {
  if (first && others.length === 0) return first;
  throw invalidOutputs("outputs", `expected one output of the role ${role}, got ${first ? 1 + others.length : 0}`);
}

function descriptorOf({ role, digest, size }: Made["outputs"][number], mediaType: string): Descriptor {
  if (!isDigest(digest)) throw invalidOutputs("outputs", `the output of the role ${role} has no digest: ${quote(digest)}`);
  return { mediaType, digest: digest as Digest, size };
}

function titled(layer: Descriptor, title: string): Descriptor {
  return { ...layer, annotations: { [annotations.title]: title } };
}
