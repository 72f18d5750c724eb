import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Digest, digestOf, layerOf, mediaTypes, type Recipe, readManifest, recipeKey } from "#libs/recipes";
import { Code, type RpcError } from "#libs/rpc";
import { loadFloat32, saveFloat32 } from "#libs/tensors";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { type AverageRequestSchema, BaseUse, type MergeMethod, ParameterType } from "#proto/ratatouille/v1/averaging_pb.ts";
import { averageRecipe, startSystem, type TestSystem } from "./testing/system.ts";

type Request = MessageInitShape<typeof AverageRequestSchema>;

let system: TestSystem;
let models: Digest[];
let statistics: Digest[];
let base: Digest;
before(async () => {
  system = await startSystem();
  models = [];
  statistics = [];
  for (const x of [1, 2, 4]) models.push(await system.publishModel(model(x)));
  for (const x of [3, 5, 7]) statistics.push(await system.publishModel(model(x)));
  base = await system.publishModel(model(0.5));
});
after(() => system[Symbol.asyncDispose]());

function model(x: number): Uint8Array {
  const tensor = (shape: number[], step: number) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return { shape, data: Float32Array.from({ length: count }, (_, i) => x + ((i * step) % 5) / 4) };
  };
  const tensors = { "layer.weight": tensor([4, 4], 7), "head.bias": tensor([2], 1), "head.weight": tensor([2, 4], 3) };
  return saveFloat32(new Map(Object.entries(tensors)), { format: "pt" });
}

async function average(request: Request): Promise<Artifact> {
  let artifact: Artifact | undefined;
  for await (const { event } of system.client.average(request, { timeoutMs: 60_000 }))
    if (event.case === "artifact") artifact = event.value;
  assert.ok(artifact, "no artifact came");
  return artifact;
}

async function refusal(request: Request): Promise<RpcError> {
  return average(request).then(
    () => assert.fail("it should have failed"),
    (error: RpcError) => error,
  );
}

const number = (value: number) => ({ kind: { case: "numberValue" as const, value } });
const bool = (value: boolean) => ({ kind: { case: "boolValue" as const, value } });
const text = (value: string) => ({ kind: { case: "stringValue" as const, value } });
const list = (...values: ReturnType<typeof number | typeof text>[]) => ({ kind: { case: "listValue" as const, value: { values } } });

test("models alone ask for their mean", async () => {
  const { manifest } = await average({ models: models.slice(0, 2) });
  const { digest } = layerOf(readManifest(manifest), mediaTypes.weights);
  const [first] = loadFloat32(await system.artifacts.download(digest)).get("layer.weight")!.data;
  assert.equal(first, 1.5);
});

test("a request has the key of the recipe that says the same", async () => {
  const linear = (parameters: Recipe["parameters"]): Recipe => ({ ...averageRecipe(models), parameters });
  const head = ["head.bias", "head.weight"];
  const parameters = { density: [0.25, 0.5, 1], lambda: 2, normalize: false };
  const cases: [Request, Recipe][] = [
    [{ models }, linear({ method: "uniform" })],
    [{ models, method: "soup", dtype: "BF16" }, linear({ method: "linear", dtype: "BF16" })],
    [{ models, exclude: [...head.toReversed(), "head.bias"] }, linear({ method: "uniform", exclude: head })],
    [{ models, method: "weighted", weights: [1, 1e-7, -2] }, linear({ method: "weighted", weights: [1, 1e-7, -2] })],
    [
      {
        ...{ models, base, method: "dare-ties", seed: 9 },
        parameters: { density: list(number(0.25), number(0.5), number(1)), normalize: bool(false), lambda: number(2) },
      },
      { kind: "average", inputs: { models, base }, parameters: { method: "dare_ties", parameters }, seed: 9, arithmetic: "merge/1" },
    ],
    [
      { models, base, method: "dare_ties" },
      { kind: "average", inputs: { models, base }, parameters: { method: "dare_ties" }, seed: 0, arithmetic: "merge/1" },
    ],
  ];
  for (const [request, recipe] of cases) {
    const { digest, recipeKey: key } = await average(request);
    assert.equal(key, recipeKey(recipe), JSON.stringify(recipe));
    assert.equal((await system.average(recipe)).artifact.digest, digest);
  }
});

/** A request by a client that knows a method from ListMethods alone. */
function requestFor({ name, minModels, maxModels, base: use, statistics: needed, parameters }: MergeMethod): Request {
  const count = maxModels === 0 ? Math.max(minModels, 3) : maxModels;
  const missing = parameters.filter((parameter) => parameter.default === undefined && parameter.name !== "weight");
  const weighted = parameters.some((parameter) => parameter.name === "weight");
  return {
    method: name,
    models: models.slice(0, count),
    ...(weighted ? { weights: Array(count).fill(0.5) } : {}),
    ...(use === BaseUse.REQUIRED ? { base } : {}),
    ...(needed === "" ? {} : { statistics: statistics.slice(0, count) }),
    parameters: Object.fromEntries(missing.map((parameter) => [parameter.name, valueFor(parameter)])),
  };
}

function valueFor({ type, min = 0, max = 1 }: MergeMethod["parameters"][number]) {
  if (type === ParameterType.BOOL) return bool(true);
  return number(type === ParameterType.INTEGER ? Math.max(1, min) : (min + max) / 2);
}

test("whoever reads ListMethods can use every method", async () => {
  const { methods } = await system.client.listMethods({});
  assert.ok(methods.length > 30);
  assert.equal(
    new Set(methods.flatMap(({ name, aliases }) => [name, ...aliases])).size,
    methods.flatMap((m) => [m.name, ...m.aliases]).length,
  );
  for (const method of methods) {
    // Gram matrices are of another shape than the tensors.
    if (method.statistics === "gram") continue;
    const { recipe } = readManifest((await average(requestFor(method))).manifest);
    assert.equal(recipe.parameters["method"], method.name);
    assert.equal(recipe.arithmetic, method.arithmetic, method.name);
    assert.equal(recipe.seed !== undefined, method.random, method.name);
  }
  assert.deepEqual(
    methods.filter(({ sessions }) => sessions).map(({ name }) => name),
    ["uniform", "weighted", "linear"],
  );
  const ties = methods.find(({ name }) => name === "ties")!;
  assert.deepEqual([ties.base, ties.paper?.year, ties.paper?.link], [BaseUse.REQUIRED, 2023, "https://arxiv.org/abs/2306.01708"]);
  const density = ties.parameters.find(({ name }) => name === "density")!;
  assert.deepEqual([density.type, density.perModel, density.min, density.max], [ParameterType.NUMBER, true, 0, 1]);
});

const WRONG: [title: string, () => Request, field: string, description: RegExp][] = [
  ["nothing", () => ({}), "models", /are missing/],
  ["a recipe and fields", () => ({ recipe: "{}", models }), "models", /given beside a whole recipe/],
  ["a recipe and a seed", () => ({ recipe: "{}", seed: 0 }), "seed", /given beside a whole recipe/],
  ["something that is no digest", () => ({ models: [models[0]!, "sha256:1"] }), "models[1]", /expected a digest/i],
  ["a base that is no digest", () => ({ models, method: "ties", base: "main" }), "base", /expected a digest/i],
  ["an unknown method", () => ({ models, method: "meen" }), "method", /"meen"; this server knows uniform, weighted, linear/],
  ["weights of another number", () => ({ models, method: "linear", weights: [1] }), "weights", /are 1 for 3 models/],
  ["a weight that is no number", () => ({ models, method: "linear", weights: [1, Number.NaN, 1] }), "weights[1]", /finite/],
  ["no base", () => ({ models, method: "ties" }), "base", /ties needs one/],
  ["a base in vain", () => ({ models, base }), "base", /linear takes none/],
  ["too few models", () => ({ models: models.slice(0, 1), method: "slerp", parameters: { t: number(0.5) } }), "models", /takes 2/],
  ["statistics in vain", () => ({ models, statistics }), "statistics", /takes none/],
  ["no statistics", () => ({ models, method: "fisher" }), "statistics", /needs them of every model/],
  [
    "a text as a parameter",
    () => ({ models, base, method: "ties", parameters: { density: text("0.5") } }),
    'parameters["density"]',
    /a number or a bool/,
  ],
  [
    "a text among numbers",
    () => ({ models, base, method: "ties", parameters: { density: list(number(1), text("")) } }),
    'parameters["density"][1]',
    /a number or/,
  ],
  [
    "a value that is none",
    () => ({ models, base, method: "ties", parameters: { density: {} } }),
    'parameters["density"]',
    /a number or a bool/,
  ],
  [
    "values of another number",
    () => ({ models, base, method: "ties", parameters: { density: list(number(1)) } }),
    'parameters["density"]',
    /1 values for 3/,
  ],
  [
    "a value out of bounds",
    () => ({ models, base, method: "ties", parameters: { density: number(2) } }),
    "parameters",
    /density is 2; it has to be a number from 0 to 1/,
  ],
  [
    "a parameter that nothing has",
    () => ({ models, base, method: "ties", parameters: { constructor: number(1) } }),
    "parameters",
    /constructor is a name that every object has/,
  ],
  ["an unknown type", () => ({ models, dtype: "float32" }), "dtype", /"F32"/],
  ["a seed in vain", () => ({ models, seed: 1 }), "seed", /linear draws no random numbers/],
  ["a tensor that no model has", () => ({ models, exclude: ["haed"] }), "exclude", /names "haed", which no model has/],
];
test("what is wrong with a request is said of its field", async () => {
  for (const [title, request, field, description] of WRONG) {
    const error = await refusal(request());
    assert.deepEqual([error.code, error.reason], [Code.INVALID_ARGUMENT, "AVERAGE_INVALID"], title);
    assert.equal(error.violations[0]?.field, field, title);
    assert.match(error.violations[0]!.description, description, title);
  }
  const missing = await refusal({ models: [digestOf("nowhere")] });
  assert.deepEqual([missing.code, missing.reason], [Code.NOT_FOUND, "ARTIFACT_NOT_FOUND"]);
});
