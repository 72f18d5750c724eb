import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  arithmetics,
  colouredMnist,
  type Json,
  mnistAngles,
  parseRecipe,
  type Recipe,
  RecipeError,
  recipeKey,
  trainDefaults,
} from "./index.ts";
import { jsonSchemas } from "./json-schema/json-schemas.ts";
import { kinds } from "./kinds/kinds.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;
const [a, b, c] = [digest("a"), digest("b"), digest("c")];

const v1Training = {
  ...{ architecture: "mlp", hidden: [256], classes: 10, steps: 300, batch: 64, learningRate: 0.001, weightDecay: 0, dropout: 0 },
  ...{ train: "all", keep: "best", validationFraction: 0.2, validateEvery: 25 },
};
const network = { name: "resnet18" };
const training = {
  ...{ network, classes: 3, domains: ["art", "photo"], steps: 300, batch: 32 },
  ...{ optimiser: { name: "adam", learningRate: 0.00005 }, transform: { training: "domainbed/1", validation: "resize/1" } },
};
const { wasm } = arithmetics;

/**
 * One recipe of each kind and generator, with nothing in it that may be left out, and its key: sha256sum of the canonical text. A key that
 * changes here is an artifact of somebody that is not found any more. What is added to a kind is absent at its default, and so from here.
 */
const golden: readonly (readonly [string, Recipe])[] = [
  [
    "sha256:87797e5a72a31f3a13c6fb6b8131923a902ea5e548beed88a81efcef5bf9f311",
    { kind: "import", inputs: {}, parameters: { files: [{ path: "a.tar", digest: a, bytes: 3 }], licence: "MIT", source: "hand" } },
  ],
  [
    "sha256:372c92621e4c283f614f8dd1b9930b24618e92213e0754fbdf0444fb053d747f",
    {
      ...{ kind: "dataset", inputs: {}, seed: 1 },
      parameters: { generator: "glyphs/1", classes: 10, images: 100, styles: ["plain"], rotation: 0.2, alphabetSeed: 1 },
    },
  ],
  [
    "sha256:a4de6f54b4ed23578ebf07ebfd9afa1c814dd389052369dbc5e44927edec6e8b",
    {
      ...{ kind: "dataset", inputs: { source: a }, seed: 1 },
      parameters: { generator: "rotated-digits/1", domain: 0, domains: 4, degrees: 25 },
    },
  ],
  [
    "sha256:cc9878f393da5b9e51c83c327b6b1d1fa7441d2f89ccc7423edd68b31b062009",
    { kind: "dataset", inputs: { source: a }, parameters: { generator: "image-shards/1" } },
  ],
  [
    "sha256:38fb91b9f479d0518bf09f9a6bb0749c61299c530d50b83105e8e3136f96b70a",
    { kind: "dataset", inputs: { source: a }, parameters: { generator: "rotated-mnist/1" }, seed: 0 },
  ],
  [
    "sha256:ecc47d4ba2eccdc12308cf9424ec8908fe5feccb7cb1b1d5a41e3ee97480b917",
    { kind: "dataset", inputs: { source: a }, parameters: { generator: "records/1" } },
  ],
  [
    "sha256:3e03d6689c5fd39c72fe2eac099b4f485dafe1d57c8a422023204cadc0fd0552",
    { kind: "dataset", inputs: { source: a }, parameters: { generator: "colored-mnist/1" }, seed: 0 },
  ],
  [
    "sha256:2aab421648a25307d0e5d3703bb25226c513c7f06ff09640071e74fe80c675a4",
    { kind: "dataset", inputs: { source: a }, parameters: { generator: "subset/1" } },
  ],
  [
    "sha256:c576d5351d67e5ea8dfaf377e71f773140871f23382e11d94f5f41cb7005e7f4",
    { kind: "looks", inputs: { source: a }, parameters: {}, arithmetic: arithmetics.looking },
  ],
  [
    "sha256:44276aa42e772ec1cdf27407db8b9814e7d0ff2502c0259903aae70aed7b6489",
    { kind: "split", inputs: { dataset: a }, parameters: { scheme: "domainbed/1", fraction: 0.2, trial: 0 } },
  ],
  [
    "sha256:7322e577e83b333252ade1668293d3abef5805b088531ebe46eb7055ed3d895a",
    { kind: "train", inputs: { dataset: a }, parameters: training, seed: 1, arithmetic: arithmetics.training },
  ],
  [
    "sha256:81ee965acead8d4b320df7d3468cb66c0c7ff3e744fc07d456331de539ee1957",
    {
      ...{ kind: "predict", inputs: { models: [b], dataset: a }, arithmetic: arithmetics.training },
      parameters: { network, classes: 3, domains: ["sketch"], transform: "resize/1" },
    },
  ],
  [
    "sha256:ef64b672c78e7903f3a238769f509eab12b51441e93ce090ce847e4a61bd5171",
    { kind: "average", inputs: { models: [a, b] }, parameters: { method: "linear" }, arithmetic: arithmetics.averaging },
  ],
  [
    "sha256:27b79ecff8f8840f0a14803d3e0b7259805b9ef332491dea12329cfda7c28cda",
    { kind: "measure", inputs: { predictions: [a] }, parameters: { measure: "accuracy" }, arithmetic: arithmetics.measuring },
  ],
  [
    "sha256:7f704a23095fffe186e47e4997ed8b7c2100aa0d6cacb69b075c1a70f41cf689",
    { kind: "pretrain", inputs: { datasets: [a] }, parameters: v1Training, seed: 1, arithmetic: wasm },
  ],
  [
    "sha256:1a72b7f2e9abd3b92c82cc29d9d85b84c12262499d6dae85a5e07bfc98c3afeb",
    { kind: "probe", inputs: { datasets: [a], featurizer: b }, parameters: v1Training, seed: 1, arithmetic: wasm },
  ],
  [
    "sha256:35991c792ef6810e7f5515b3b4bf3fe0dc93a9d8c1139f158e00c17da5454d80",
    { kind: "fine-tune", inputs: { datasets: [a], featurizer: b, head: c }, parameters: v1Training, seed: 1, arithmetic: wasm },
  ],
  [
    "sha256:3c193644b62c500d5ded88a8e518d26f9db447dcd428f52733cd81b4c6f7b4b8",
    {
      ...{ kind: "evaluate", inputs: { models: [a], heldOut: b }, arithmetic: "tfjs-wasm-simd/4.22.0 measure/1" },
      parameters: { measure: "accuracy", validationFraction: 0.2 },
    },
  ],
];

test("the key of a split by items and of a prediction of a part are what they were", () => {
  const split = changed("split", { scheme: "items/1", test: 0.2 });
  const predicted = changed("predict", { part: "test" }, { split: c });
  assert.deepEqual(
    [split, predicted].map((recipe) => recipeKey(parseRecipe(recipe))),
    [
      "sha256:3c59bd5bdad5bd9969aab46abd67586b0fa5a02ea4220cc45c2c872235b85029",
      "sha256:19e0155b4676c8b651975161920c030a7f60dc5b9e92faa795f8704e175b6594",
    ],
  );
});

test("the key of a recipe that says nothing that can be left out is what it was, for each kind and generator", () => {
  assert.deepEqual(
    golden.map(([, recipe]) => [recipeKey(parseRecipe(JSON.stringify(recipe))), nameOf(recipe)]),
    golden.map(([key, recipe]) => [key, nameOf(recipe)]),
  );
  const all = Object.entries(kinds).flatMap(([name, kind]) => ("form" in kind ? [name] : Object.keys(kind.generators)));
  assert.deepEqual(golden.map(([, recipe]) => nameOf(recipe)).sort(), all.sort());
});

const nameOf = ({ kind, parameters }: Recipe) => String(parameters["generator"] ?? kind);

/** The golden recipe of a kind or generator with other parameters or inputs. */
function changed(name: string, parameters: { [name: string]: Json }, inputs: Recipe["inputs"] = {}): Recipe {
  const found = golden.find(([, recipe]) => nameOf(recipe) === name)?.[1] ?? assert.fail(name);
  return { ...found, parameters: { ...found.parameters, ...parameters }, inputs: { ...found.inputs, ...inputs } };
}

for (const [field, recipe] of [
  ...Object.entries(trainDefaults).map(([name, usual]) => [`parameters.${name}`, changed("train", { [name]: usual })] as const),
  ["parameters.optimiser.weightDecay", changed("train", { optimiser: { name: "adam", learningRate: 0.1, weightDecay: 0 } })],
  ["parameters.part", changed("predict", { part: "all" })],
  ["parameters.test", changed("split", { scheme: "items/1", test: 0 })],
  ["parameters.angles", changed("rotated-mnist/1", { angles: mnistAngles })],
  ["parameters.labelNoise", changed("colored-mnist/1", { labelNoise: colouredMnist.labelNoise })],
  ["parameters.options", changed("measure", { options: {} })],
] as const) {
  test(`a recipe that says what is so anyway is refused, so that it has one key: ${field}`, () => {
    assert.throws(() => parseRecipe(recipe), { name: "RecipeError", message: /leave it out/, field });
  });
}

for (const [what, field, recipe] of [
  ["keeps the best of no validation", "parameters.validate", changed("train", { keep: "best" })],
  ["validates on rows that nothing names", "inputs.split", changed("train", { validate: { every: 10 } })],
  ["warms up a head that is all it trains", "parameters.headOnlySteps", changed("train", { trainable: "head", headOnlySteps: 5 })],
  ["trains in a domain twice", "parameters.domains", changed("train", { domains: ["art", "art"] })],
  ["trains with another optimiser", "parameters.optimiser.name", changed("train", { optimiser: { name: "sgd", learningRate: 1 } })],
  ["has a network without a name", "parameters.network.name", changed("train", { network: { name: "ResNet 18" } })],
  ["predicts a part without a split", "inputs.split", changed("predict", { part: "validation" })],
  ["predicts all of a split", "inputs.split", changed("predict", {}, { split: c })],
  ["weighs more models than there are", "parameters.weights", changed("predict", { weights: [1, 2] })],
  ["has pixels of no version", "parameters.transform", changed("predict", { transform: "resize" })],
  ["splits off everything", "parameters.fraction", changed("split", { fraction: 1 })],
  ["splits off nothing", "parameters.fraction", changed("split", { fraction: 0 })],
  ["holds out items by a scheme that knows none", "parameters.test", changed("split", { test: 0.2 })],
  ["holds out every item", "parameters.test", changed("split", { scheme: "items/1", test: 1 })],
  ["draws by an unknown generator", "parameters.generator", changed("subset/1", { generator: "subset/9" })],
  ["measures no prediction", "inputs.predictions", { ...changed("measure", {}), inputs: {} }],
] as const) {
  test(`a recipe that ${what} is refused, naming ${field}`, () => {
    assert.throws(
      () => parseRecipe(recipe),
      (error) => error instanceof RecipeError && (error.field === field || `${error.field}.predictions` === field),
    );
  });
}

test("the JSON Schemas in proto/recipes are those of the kinds, and nothing else is there", () => {
  const directory = new URL("../../proto/recipes/", import.meta.url);
  const committed = new Map(readdirSync(directory).map((name) => [name, readFileSync(new URL(name, directory), "utf8")]));
  assert.deepEqual([...committed].sort(), [...jsonSchemas()].sort());
});

test("a JSON Schema names inputs and parameters, and refuses a parameter at its default", () => {
  const train = JSON.parse(jsonSchemas().get("train.json") ?? "");
  assert.deepEqual(Object.keys(train.properties.inputs.properties), ["dataset", "split", "weights", "head"]);
  assert.deepEqual(train.properties.parameters.properties.keep, {
    ...{ type: "string", enum: ["last", "best"] },
    ...{ default: "last", not: { const: "last" } },
  });
  const dataset = JSON.parse(jsonSchemas().get("dataset.json") ?? "");
  assert.equal(dataset.oneOf.length, 7);
});
