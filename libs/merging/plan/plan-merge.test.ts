import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModelFiles } from "#libs/models";
import { digestOf } from "#libs/recipes";
import { parseSafetensorsHeader, type TensorLayout } from "#libs/tensors";
import { type MergePlan, MergePlanError, type MergeRequest, planMerge } from "./index.ts";
import { modelOf } from "./testing/model-of.ts";

const layout: readonly TensorLayout[] = [
  { name: "b", dtype: "F32", shape: [3] },
  { name: "bn.num_batches_tracked", dtype: "I64", shape: [] },
  { name: "a", dtype: "F32", shape: [2, 3] },
  { name: "positions", dtype: "I64", shape: [4] },
  { name: "empty", dtype: "F32", shape: [0, 3] },
];

function request(models: readonly ModelFiles[], given: Partial<MergeRequest> = {}): MergeRequest {
  return { method: "linear", models, digests: models.map(({ name }) => digestOf(name)), ...given };
}

const two = () => [modelOf("x", layout), modelOf("y", [...layout].reverse())];

function problems(act: () => unknown): readonly string[] {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof MergePlanError, String(error));
    return error.problems;
  }
  return [];
}

test("tensors come in the order of the output's bytes, each with where its sources lie", () => {
  const models = two();
  const plan = planMerge(request(models, { single: "out.safetensors" }));
  const { tensors } = parseSafetensorsHeader(plan.outputs[0]!.header, plan.outputs[0]!.size);
  assert.deepEqual(
    plan.tensors.map(({ name }) => name),
    [...tensors.keys()],
  );
  for (const { name, file, offset, shape, elements, models: sources } of plan.tensors) {
    assert.equal(file, 0);
    assert.equal(offset, plan.outputs[0]!.header.length + tensors.get(name)!.begin);
    assert.equal(
      elements,
      shape.reduce((a, b) => a * b, 1),
    );
    sources.forEach((source, k) => {
      assert.equal(plan.inputs[source.file]!.path, models[k]!.path);
      assert.equal(source.offset, models[k]!.tensors.get(name)!.offset);
    });
  }
  assert.equal(plan.outputs[0]!.name, "out.safetensors");
});

test("whole numbers have to agree, counters take the largest, the rest is made by the method", () => {
  const models = two();
  const plan = planMerge(request(models, { parametersOf: () => ({ models: [{ weight: 2 }, {}] }) }));
  const methods = Object.fromEntries(plan.tensors.map(({ name, method }) => [name, method]));
  assert.deepEqual(methods, { a: "linear", b: "linear", empty: "linear", positions: "agree", "bn.num_batches_tracked": "maximum" });
  assert.deepEqual(plan.tensors.find(({ name }) => name === "a")!.parameters, {
    merge: { normalize: true },
    models: [{ weight: 2 }, { weight: 1 }],
  });
});

test("tensors that are left out are not in the result, and need not fit", () => {
  const models = [modelOf("x", [...layout, { name: "head", dtype: "F32", shape: [5] }]), modelOf("y", layout)];
  assert.deepEqual(
    problems(() => planMerge(request(models))),
    ['tensor "head": F32 [5] in x; missing in y'],
  );
  const plan = planMerge(request(models, { exclude: new Set(["head"]) }));
  assert.equal(plan.tensors.length, layout.length);
});

test("every tensor that stands in the way is named", () => {
  const other = layout.map((tensor) => (tensor.name === "a" ? { ...tensor, shape: [3, 2] } : tensor)).filter(({ name }) => name !== "b");
  assert.deepEqual(
    problems(() => planMerge(request([modelOf("x", layout), modelOf("y", other)]))),
    ['tensor "a": F32 [2, 3] in x; F32 [3, 2] in y', 'tensor "b": F32 [3] in x; missing in y'],
  );
});

test("types may differ where somebody says which type the result has", () => {
  const half = layout.map((tensor) => (tensor.dtype === "F32" ? { ...tensor, dtype: "BF16" as const } : tensor));
  const models = [modelOf("x", layout), modelOf("y", half)];
  assert.equal(problems(() => planMerge(request(models))).length, 3);
  const plan = planMerge(request(models, { dtype: "F16" }));
  const a = plan.tensors.find(({ name }) => name === "a")!;
  assert.equal(a.dtype, "F16");
  assert.deepEqual(
    a.models.map(({ dtype }) => dtype),
    ["F32", "BF16"],
  );
  assert.equal(plan.tensors.find(({ name }) => name === "positions")!.dtype, "I64");
});

test("a type without an average is refused by name", () => {
  const quantised = [
    modelOf("x", [{ name: "q", dtype: "F8_E4M3", shape: [4] }]),
    modelOf("y", [{ name: "q", dtype: "F8_E4M3", shape: [4] }]),
  ];
  assert.deepEqual(
    problems(() => planMerge(request(quantised))),
    ['tensor "q": F8_E4M3 has no average: turn it into F32, F16 or BF16 first'],
  );
});

test("a method that is not there, and one that gets too few or a base, say so", () => {
  assert.match(problems(() => planMerge(request(two(), { method: "linaer" })))[0]!, /^there is no method "linaer": .*linear/);
  const base = modelOf("z", layout);
  assert.match(problems(() => planMerge(request(two(), { base, baseDigest: digestOf("z") })))[0]!, /linear takes no base model/);
});

test("what only passes through is copied, whatever its type; what is scaled or gets another type is made", () => {
  const model = modelOf("x", [...layout, { name: "quantised", dtype: "F8_E4M3", shape: [4] }]);
  const made = (given: Partial<MergeRequest>) => {
    const { tensors } = planMerge(request([model], { method: "passthrough", ...given }));
    return Object.fromEntries(tensors.map(({ name, method }) => [name, method]));
  };
  assert.deepEqual(new Set(Object.values(made({ exclude: new Set(["bn.num_batches_tracked"]) }))), new Set(["agree"]));
  const scaled = made({ parametersOf: (name) => (name === "a" ? { models: [{ scale: 0.5 }] } : {}) });
  assert.deepEqual([scaled["a"], scaled["b"], scaled["quantised"]], ["passthrough", "agree", "agree"]);
  assert.equal(made({ dtype: "BF16" })["b"], "passthrough");
});

test("statistics lie beside each tensor, and have its shape, or that of its inputs", () => {
  const models = [modelOf("x", [{ name: "w", dtype: "F32", shape: [2, 3] }]), modelOf("y", [{ name: "w", dtype: "F32", shape: [2, 3] }])];
  const files = (...shapes: number[][]) => shapes.map((shape, i) => modelOf(`s${i}`, [{ name: "w", dtype: "F32", shape }]));
  const given = (method: string, statistics: readonly ModelFiles[]) => ({
    method,
    statistics,
    statisticsDigests: statistics.map(({ name }) => digestOf(name)),
  });
  const plan = planMerge(request(models, given("fisher", files([2, 3], [2, 3]))));
  assert.deepEqual(
    plan.tensors[0]!.statistics!.map(({ file }) => plan.inputs[file]!.path),
    ["/models/s0.safetensors", "/models/s1.safetensors"],
  );
  assert.equal(planMerge(request(models, given("regmean", files([3, 3], [3, 3])))).tensors[0]!.statistics!.length, 2);
  const wrong = (method: string, statistics: readonly ModelFiles[]) =>
    problems(() => planMerge(request(models, given(method, statistics))));
  assert.deepEqual(wrong("fisher", files([2, 3], [3, 3])), ['tensor "w": the statistics s1 have the shape [3, 3]; fisher needs [2, 3]']);
  assert.deepEqual(wrong("regmean", files([3, 3], [2, 2])), ['tensor "w": the statistics s1 have the shape [2, 2]; regmean needs [3, 3]']);
  assert.deepEqual(wrong("fisher", files([2, 3])), ["fisher needs statistics of every model: 2 files, not 1"]);
  assert.deepEqual(wrong("linear", files([2, 3], [2, 3])), ["linear takes no statistics"]);
  // Tensors that are no linear layers have no Gram matrices.
  const none = [modelOf("s0", [{ name: "v", dtype: "F32", shape: [1] }]), modelOf("s1", [{ name: "v", dtype: "F32", shape: [1] }])];
  assert.equal(planMerge(request(models, given("regmean", none))).tensors[0]!.statistics, undefined);
});

test("parameters that are wrong, alone or together, are said before anything is read", () => {
  const given = (weight: number) => () => ({ models: [{ weight }, { weight: -1 }] });
  assert.deepEqual(
    problems(() => planMerge(request(two(), { parametersOf: given(1) }))),
    ["linear: the weights 1, -1 sum to 0: give others, or normalize=false"],
  );
  assert.match(problems(() => planMerge(request(two(), { parametersOf: given(Number.NaN) })))[0]!, /^linear, x: weight is NaN/);
});

test("equal requests have equal keys, wherever the files lie; what decides bytes changes them", () => {
  const key = (given: Partial<MergeRequest> = {}, models: readonly ModelFiles[] = two()): MergePlan["key"] =>
    planMerge(request(models, given)).key;
  assert.match(key(), /^[0-9a-f]{64}$/);
  assert.equal(key(), key());
  const moved = two().map((model) => ({ ...model, files: model.files.map((file) => ({ ...file, path: `/elsewhere${file.path}` })) }));
  assert.equal(key({}, moved), key());
  const others = [
    key({ dtype: "BF16" }),
    key({ exclude: new Set(["b"]) }),
    key({ parametersOf: () => ({ models: [{ weight: 2 }, {}] }) }),
    key({ parametersOf: (name) => (name === "a" ? { models: [{ weight: 2 }, {}] } : {}) }),
    key({ single: "other.safetensors" }),
    key({ digests: [digestOf("x"), digestOf("changed")] }),
  ];
  assert.equal(new Set([key(), ...others]).size, others.length + 1);
});

test("layers may be moved and stacked: each tensor says what it is made of", () => {
  const models = two();
  const tensors = [
    { name: "layers.0", sources: [{ model: 1, tensor: "b" }] },
    { name: "layers.1", sources: [{ model: 0, tensor: "b" }] },
    {
      name: "both",
      sources: [
        { model: 0, tensor: "a" },
        { model: 1, tensor: "a" },
      ],
    },
  ];
  const plan = planMerge(request(models, { tensors }));
  assert.deepEqual(
    plan.tensors.map(({ name, of }) => [name, of]),
    [
      ["both", undefined],
      ["layers.0", [1]],
      ["layers.1", [0]],
    ],
  );
  const wrong = [{ name: "layers.0", sources: [{ model: 0, tensor: "c" }] }];
  assert.deepEqual(
    problems(() => planMerge(request(models, { tensors: wrong }))),
    ['tensor "layers.0": no model has c'],
  );
});
