import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type ModelFiles, openModel } from "#libs/models";
import { digestOf } from "#libs/recipes";
import type { TensorLayout } from "#libs/tensors";
import { planMerge } from "../plan/index.ts";
import { modelOf } from "../plan/testing/model-of.ts";
import { MergekitError, type MergekitRequest, parseMergekit, type Reference, requestOfMergekit } from "./index.ts";
import { runPlan } from "./testing/run-plan.ts";

const fixtures = fileURLToPath(new URL("../../../test/fixtures/", import.meta.url));

async function openIn(folder: string, { model }: Reference) {
  return { model: await openModel(`${folder}/${model}`, model), digest: digestOf(model) };
}

for (const folder of ["mergekit", "mergekit-config"].map((name) => `${fixtures}${name}`)) {
  for (const name of readdirSync(`${folder}/cases`).filter((file) => file.endsWith(".yml"))) {
    test(`${name} gives the tensors and the numbers that mergekit gives`, async () => {
      const [config] = parseMergekit(readFileSync(`${folder}/cases/${name}`, "utf8"), name);
      const { request } = await requestOfMergekit(config, (reference) => openIn(folder, reference));
      const plan = planMerge(request);
      const expected = await openModel(`${folder}/cases/${name.replace(".yml", ".safetensors")}`);
      const same = { ...plan, inputs: [{ ...plan.inputs[0]!, path: expected.path }] };
      const type = [...expected.tensors.values()][0]!.dtype;
      assert.deepEqual(plan.tensors.map((tensor) => tensor.name).sort(), [...expected.tensors.keys()].sort());
      for (const [tensor, actual] of runPlan(plan)) {
        const { dtype, offset, shape } = expected.tensors.get(tensor)!;
        const planned = plan.tensors.find((one) => one.name === tensor)!;
        assert.deepEqual([planned.dtype, planned.shape], [dtype, shape], tensor);
        const copy = {
          ...planned,
          method: "passthrough",
          parameters: { merge: {}, models: [{ scale: 1 }] },
          models: [{ file: 0, offset, dtype }],
        };
        const { base: _, ...plain } = copy;
        const wanted = runPlan({ ...same, tensors: [plain] }).get(tensor)!;
        for (const [i, value] of actual.entries()) assertNear(value, wanted[i]!, type, `${tensor}[${i}]`);
      }
    });
  }
}

/** Float32 within 2e-5 of max(|x|, 1e-3), bfloat16 within one unit in the last place. */
function assertNear(actual: number, expected: number, type: string, label: string): void {
  const size = Math.abs(expected);
  const allowed = type === "F32" ? 2e-5 * Math.max(size, 1e-3) : 2 ** (Math.floor(Math.log2(size)) - 7);
  assert.ok(Math.abs(actual - expected) <= allowed, `${label} is ${actual}, mergekit has ${expected}`);
}

const layers = (count: number, prefix = "model.layers."): TensorLayout[] => [
  { name: "model.embed_tokens.weight", dtype: "F32", shape: [4, 2] },
  ...Array.from({ length: count }, (_, i): TensorLayout[] => [
    { name: `${prefix}${i}.mlp.weight`, dtype: "F32", shape: [2, 2] },
    { name: `${prefix}${i}.norm.weight`, dtype: "F32", shape: [2] },
  ]).flat(),
  { name: "model.norm.weight", dtype: "F32", shape: [2] },
];
const models: { readonly [name: string]: ModelFiles } = {
  a: modelOf("a", layers(4)),
  b: modelOf("b", layers(4)),
  c: modelOf("c", layers(2, "transformer.h.")),
  flat: modelOf("flat", [{ name: "w", dtype: "F32", shape: [2] }]),
  two: modelOf("two", [...layers(3), ...layers(3, "vision.blocks.").filter(({ name }) => name.startsWith("vision"))]),
};

const make = (text: string) =>
  requestOfMergekit(parseMergekit(text, "c.yml")[0], async ({ model }) => ({ model: models[model]!, digest: digestOf(model) }));

async function problems(text: string): Promise<readonly string[]> {
  const error = await make(text).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof MergekitError, String(error));
  return error.problems.map(({ message }) => message);
}

const parametersOf = ({ request }: MergekitRequest, tensor: string) => request.parametersOf!(tensor);

test("gradients run over the layers; what is in none has the first value", async () => {
  const made = await make(`merge_method: linear
models:
  - { model: a, parameters: { weight: [0, 3] } }
  - { model: b, parameters: { weight: 1 } }
`);
  const weights = (tensor: string) => parametersOf(made, tensor).models!.map(({ weight }) => weight);
  assert.deepEqual(weights("model.embed_tokens.weight"), [0, 1]);
  assert.deepEqual(weights("model.layers.0.mlp.weight"), [0, 1]);
  assert.deepEqual(weights("model.layers.1.mlp.weight"), [1, 1]);
  assert.deepEqual(weights("model.layers.3.mlp.weight"), [3, 1]);
  assert.deepEqual(weights("model.norm.weight"), [0, 1]);
});

test("layers are stacked and numbered anew, between the first slice's embeddings and the last one's norm", async () => {
  const made = await make(`merge_method: passthrough
slices:
  - sources: [{ model: b, layer_range: [2, 4] }]
  - sources: [{ model: c, layer_range: [0, 1], parameters: { scale: [{ filter: h.0.mlp, value: 0.5 }] } }]
  - sources: [{ model: a, layer_range: [0, 1] }]
`);
  assert.equal(made.layers?.length, 4);
  const named = (index: number) => made.request.models[index]!.name;
  assert.deepEqual(
    made.request.tensors!.map(({ name, sources: [source] }) => `${name} = ${named(source!.model)}:${source!.tensor}`),
    [
      "model.embed_tokens.weight = b:model.embed_tokens.weight",
      "model.layers.0.mlp.weight = b:model.layers.2.mlp.weight",
      "model.layers.0.norm.weight = b:model.layers.2.norm.weight",
      "model.layers.1.mlp.weight = b:model.layers.3.mlp.weight",
      "model.layers.1.norm.weight = b:model.layers.3.norm.weight",
      "model.layers.2.mlp.weight = c:transformer.h.0.mlp.weight",
      "model.layers.2.norm.weight = c:transformer.h.0.norm.weight",
      "model.layers.3.mlp.weight = a:model.layers.0.mlp.weight",
      "model.layers.3.norm.weight = a:model.layers.0.norm.weight",
      "model.norm.weight = a:model.norm.weight",
    ],
  );
  // Filters of a model see what the tensor is called in it.
  assert.deepEqual(parametersOf(made, "model.layers.2.mlp.weight").models, [{ scale: 0.5 }]);
  assert.deepEqual(parametersOf(made, "model.layers.3.mlp.weight").models, [{}]);
  const tensors = planMerge(made.request).tensors;
  assert.equal(tensors.length, 10);
  assert.ok(tensors.every(({ models: sources }) => sources.length === 1));
});

test("what comes after the layers is made of all models of the last slice, also where the first has fewer", async () => {
  const made = await make(`merge_method: linear
slices:
  - sources: [{ model: a, layer_range: [0, 2] }]
  - sources: [{ model: a, layer_range: [2, 4] }, { model: b, layer_range: [2, 4] }]
`);
  const norm = made.request.tensors!.find(({ name }) => name === "model.norm.weight")!;
  assert.equal(norm.sources.length, 2);
});

test("the base is where each method wants it", async () => {
  const ties = await make("merge_method: ties\nbase_model: a\nmodels: [{ model: a }, { model: b, parameters: { weight: 1 } }]\n");
  assert.deepEqual([ties.request.models.map(({ name }) => name), ties.request.base?.name], [["b"], "a"]);
  const slerp = await make("merge_method: slerp\nbase_model: b\nmodels: [{ model: a }, { model: b }]\nparameters: { t: 0.25 }\n");
  assert.deepEqual([slerp.request.models.map(({ name }) => name), slerp.request.base], [["b", "a"], undefined]);
  const karcher = await make("merge_method: karcher\nbase_model: b\nmodels: [{ model: a }]\n");
  assert.deepEqual(
    karcher.request.models.map(({ name }) => name),
    ["a", "b"],
  );
  const sliced = await make(`merge_method: task_arithmetic
slices:
  - base_model: b
    sources: [{ model: a, layer_range: [0, 4] }, { model: b, layer_range: [0, 4] }]
`);
  assert.deepEqual(sliced.request.tensors![0]!.sources, [{ model: 0, tensor: "model.embed_tokens.weight" }]);
  assert.deepEqual(sliced.request.tensors![0]!.base, { model: 1, tensor: "model.embed_tokens.weight" });
});

const rows: readonly (readonly [title: string, text: string, expected: string | RegExp])[] = [
  [
    "a method without its base",
    "merge_method: ties\nmodels: [{ model: a }]\n",
    "`merge_method` at line 1 is `ties`, which needs `base_model`",
  ],
  [
    "SLERP without a base",
    "merge_method: slerp\nmodels: [{ model: a }, { model: b }]\n",
    /^`merge_method` at line 1 is `slerp`, which needs/,
  ],
  [
    "a base that would be a member without a weight",
    "merge_method: linear\nbase_model: b\nmodels: [{ model: a, parameters: { weight: 1 } }]\n",
    /^`base_model` at line 2 would be one more member, as linear has no base, and it has no weight/,
  ],
  [
    "a slice without the base",
    "merge_method: ties\nbase_model: b\nslices:\n  - sources: [{ model: a, layer_range: [0, 2] }]\n",
    "`sources` at line 4 do not have the base model `b`, which ties needs among them",
  ],
  [
    "more layers than there are",
    "merge_method: passthrough\nslices:\n  - sources: [{ model: a, layer_range: [0, 5] }]\n",
    "`layer_range` of `a` at line 3 is [0, 5], and the model has 4 layers",
  ],
  [
    "layers of a model that has none",
    "merge_method: passthrough\nslices:\n  - sources: [{ model: flat, layer_range: [0, 1] }]\n",
    /^`flat` at line 3 has no layers that are named like model\.layers\.0/,
  ],
  [
    "slices of a model with two stacks",
    "merge_method: passthrough\nslices:\n  - sources: [{ model: two, layer_range: [0, 1] }]\n",
    /^`two` at line 3 has several stacks of layers, .*: `slices` are for models with one$/,
  ],
  [
    "a gradient over nothing",
    "merge_method: linear\nmodels: [{ model: flat, parameters: { weight: [0, 1] } }]\n",
    "`weight` at line 2 is spread over layers, and the models have none that are named like model.layers.0",
  ],
];

for (const [title, text, expected] of rows) {
  test(`${title} is refused, by name and line`, async () => {
    const [first, ...more] = await problems(text);
    assert.deepEqual(more, []);
    if (typeof expected === "string") assert.equal(first, expected);
    else assert.match(first!, expected);
  });
}
