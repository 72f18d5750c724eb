import assert from "node:assert/strict";
import { test } from "node:test";
import {
  annotations,
  arithmetics,
  buildDatasetManifest,
  buildModelManifest,
  buildPredictionManifest,
  buildSplitManifest,
  canonicalRecipe,
  checkManifest,
  digestOf,
  layerOf,
  ManifestError,
  mediaTypes,
  readManifest,
} from "./index.ts";

const recipe = {
  kind: "average",
  inputs: { models: [digestOf("a"), digestOf("b")] },
  parameters: { method: "uniform", dtype: "F32" },
  arithmetic: "exact-mean/1",
} as const;

const build = () =>
  buildModelManifest({
    recipe,
    licences: ["CC-BY-4.0", "Apache-2.0", "CC-BY-4.0"],
    weights: { mediaType: mediaTypes.weights, digest: digestOf("weights"), size: 7 },
    summary: { steps: 300, bestStep: 25, finalLoss: 0.5 },
    architecture: "mlp",
    parameterCount: 99978,
  });

test("a model manifest is a ModelPack manifest and reads back", () => {
  const { manifest, digest, config } = build();
  const raw = JSON.parse(new TextDecoder().decode(manifest));
  assert.equal(raw.schemaVersion, 2);
  assert.equal(raw.mediaType, "application/vnd.oci.image.manifest.v1+json");
  assert.equal(raw.artifactType, "application/vnd.cncf.model.manifest.v1+json");
  assert.equal(raw.config.mediaType, "application/vnd.cncf.model.config.v1+json");
  assert.equal(raw.config.digest, digestOf(config));
  assert.deepEqual(JSON.parse(new TextDecoder().decode(config)).modelfs, { diffIds: [digestOf("weights")], type: "layers" });
  const read = readManifest(manifest);
  assert.equal(read.digest, digest);
  assert.equal(read.kind, "model");
  assert.deepEqual(read.recipe, recipe);
  assert.deepEqual(read.licences, ["Apache-2.0", "CC-BY-4.0"]);
  assert.deepEqual(read.summary, { steps: 300, bestStep: 25, finalLoss: 0.5 });
  assert.equal(layerOf(read, mediaTypes.weights).annotations?.["org.cncf.model.filepath"], "model.safetensors");
});

test("the config says the precision of most numbers; float32 where nobody says another", () => {
  const of = (dtype?: string) => {
    const weights = { mediaType: mediaTypes.weights, digest: digestOf("weights"), size: 7 };
    const { config } = buildModelManifest({ recipe, licences: [], weights, architecture: "vit", parameterCount: 1, dtype });
    return JSON.parse(new TextDecoder().decode(config)).config.precision;
  };
  assert.deepEqual([of(), of("F32"), of("BF16"), of("F16"), of("F64")], ["float32", "float32", "bfloat16", "float16", "float64"]);
});

test("the same arguments give the same digest, always", () => {
  assert.equal(build().digest, build().digest);
});

test("a manifest whose key is not its recipe's is refused", () => {
  const text = new TextDecoder()
    .decode(build().manifest)
    .replace(/"org\.ratatouille\.recipe\.key":"sha256:./, '"org.ratatouille.recipe.key":"sha256:z');
  assert.throws(() => readManifest(new TextEncoder().encode(text)), ManifestError);
});

for (const [title, text] of [
  ["not JSON", "{"],
  ["a list", "[]"],
  ["of no type", '{"artifactType":"a model"}'],
] as const) {
  test(`a manifest that is ${title} is refused`, () => {
    assert.throws(() => readManifest(new TextEncoder().encode(text)), ManifestError);
  });
}

test("a manifest of a kind that this version does not know, with a recipe that it does not know, can be read, and published", () => {
  const recipe = canonicalRecipe({ kind: "distil", inputs: { teacher: digestOf("a") }, parameters: { students: 3 } });
  const bytes = (change: object) => {
    const annotations_ = { [annotations.recipe]: recipe, [annotations.recipeKey]: digestOf(recipe) };
    const layers = [{ mediaType: "text/plain", digest: digestOf("b"), size: 1 }];
    const config = { mediaType: mediaTypes.empty, digest: digestOf("{}"), size: 2 };
    const value = { schemaVersion: 2, artifactType: "application/vnd.later.v1+json", config, layers, annotations: annotations_, ...change };
    return new TextEncoder().encode(JSON.stringify({ ...value, annotations: { ...annotations_, [annotations.licences]: "MIT" } }));
  };
  const read = readManifest(bytes({}));
  assert.deepEqual([read.kind, read.recipe.kind, read.recipe.parameters["students"]], ["unknown", "distil", 3]);
  assert.equal(checkManifest(bytes({})).kind, "unknown");
  // What this version does know has to be what it says.
  const field = (message: RegExp) => ({ name: "ManifestError", message });
  assert.throws(() => checkManifest(bytes({ artifactType: mediaTypes.split })), field(/one layer of type .*split/));
  assert.throws(() => checkManifest(bytes({ layers: [] })), field(/at least one layer/));
});

test("data sets carry their shards; splits and predictions are one file of their kind", () => {
  const inputs = { source: digestOf("a") };
  const file = (mediaType: string) => ({ mediaType, digest: digestOf(mediaType), size: 1 });
  const shards = [{ ...file(mediaTypes.shard), annotations: { [annotations.title]: "00000.tar" } }];
  const dataset = { kind: "dataset", inputs, parameters: { generator: "rotated-mnist/1" }, seed: 1 } as const;
  const split = { kind: "split", inputs, parameters: {} } as const;
  const predict = { kind: "predict", inputs, parameters: {}, arithmetic: arithmetics.training } as const;
  const licences = ["MIT"];
  const built = [
    buildDatasetManifest({ recipe: dataset, licences, data: file(mediaTypes.datasetLayer), shards }),
    buildSplitManifest({ recipe: split, licences, rows: file(mediaTypes.splitLayer) }),
    buildPredictionManifest({ recipe: predict, licences, logits: file(mediaTypes.predictionLayer) }),
  ].map(({ manifest }) => checkManifest(manifest));
  assert.deepEqual(
    built.map(({ kind, layers }) => [kind, layers.map(({ annotations: notes }) => notes?.[annotations.title])]),
    [
      ["dataset", ["dataset.safetensors", "00000.tar"]],
      ["split", ["split.safetensors"]],
      ["prediction", ["prediction.safetensors"]],
    ],
  );
});
