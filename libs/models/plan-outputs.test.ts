import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseSafetensorsHeader, type TensorLayout } from "#libs/tensors";
import { planOutputs } from "./index.ts";

const tensors: readonly TensorLayout[] = [
  { name: "a", dtype: "F32", shape: [10] },
  { name: "b", dtype: "F32", shape: [30] },
  { name: "10", dtype: "F32", shape: [10] },
  { name: "__proto__", dtype: "F32", shape: [] },
];

test("one file without a limit, and where a name is given", () => {
  assert.deepEqual(
    planOutputs(tensors).outputs.map(({ name }) => name),
    ["model.safetensors"],
  );
  const { outputs, index } = planOutputs(tensors, { single: "out.safetensors", maxShardBytes: 1 });
  assert.deepEqual([outputs.map(({ name }) => name), index], [["out.safetensors"], undefined]);
});

test("shards are filled in order; a tensor above the limit has one for itself; the index names all", () => {
  const { outputs, index = "" } = planOutputs(tensors, { maxShardBytes: 80 });
  assert.deepEqual(
    outputs.map(({ name }) => name),
    ["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"],
  );
  const { metadata, weight_map } = JSON.parse(index);
  assert.deepEqual(metadata, { total_size: 204 });
  assert.deepEqual(Object.entries(weight_map), [
    ["10", "model-00003-of-00003.safetensors"],
    ["__proto__", "model-00003-of-00003.safetensors"],
    ["a", "model-00001-of-00003.safetensors"],
    ["b", "model-00002-of-00003.safetensors"],
  ]);
});

test("law: every tensor is in one file, at the place that the header of that file gives it; no shard is above the limit without need", () => {
  const layout = fc.uniqueArray(
    fc.record({
      name: fc.string({ unit: "grapheme" }),
      dtype: fc.constantFrom("F32", "BF16", "I64", "U8"),
      shape: fc.array(fc.nat(9), { maxLength: 3 }),
    }),
    { selector: ({ name }) => name, maxLength: 12 },
  ) as fc.Arbitrary<TensorLayout[]>;
  fc.assert(
    fc.property(layout, fc.option(fc.integer({ min: 1, max: 2000 }), { nil: undefined }), (list, maxShardBytes) => {
      fc.pre(list.every(({ name }) => name.isWellFormed() && name !== "__metadata__"));
      const plan = planOutputs(list, maxShardBytes === undefined ? {} : { maxShardBytes });
      const headers = plan.outputs.map(({ header, size }) => parseSafetensorsHeader(header, size));
      assert.equal(
        headers.reduce((sum, { tensors: { size } }) => sum + size, 0),
        list.length,
      );
      for (const { name } of list) {
        const { file, offset } = plan.places.get(name)!;
        const { dataOffset, tensors: entries } = headers[file]!;
        assert.equal(offset, dataOffset + entries.get(name)!.begin);
      }
      for (const [i, { size }] of plan.outputs.entries()) {
        const { tensors: entries, dataOffset } = headers[i]!;
        const filled = [...entries.values()].filter(({ begin, end }) => end > begin).length;
        assert.ok(filled <= 1 || size - dataOffset <= (maxShardBytes ?? Number.POSITIVE_INFINITY));
      }
    }),
  );
});
