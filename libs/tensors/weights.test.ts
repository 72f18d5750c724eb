import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type Dtype, dtypes, loadFloat32, loadWeights, saveWeights, TensorTypeError, weightTensor, writeSafetensors } from "./index.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures/safetensors");
type Expected = Record<string, Record<string, { dtype: string; shape: number[]; values: number[] }>>;
const expected = JSON.parse(await readFile(join(fixtures, "valid.json"), "utf8")) as Expected;

for (const [name, tensors] of Object.entries(expected)) {
  test(`${name}: floats become F32 with PyTorch's numbers, whole numbers stay as they are`, async () => {
    const weights = loadWeights(new Uint8Array(await readFile(join(fixtures, "valid", name))));
    assert.deepEqual([...weights.keys()].sort(), Object.keys(tensors).sort());
    for (const [tensor, { dtype, shape, values }] of Object.entries(tensors)) {
      const weight = weights.get(tensor)!;
      const isFloat = /float/.test(dtype);
      assert.equal(weight.dtype === "F32", isFloat);
      assert.ok(isFloat || weight.dtype === weight.stored);
      assert.deepEqual(weight.shape, shape);
      assert.deepEqual([...weight.data].slice(0, values.length).map(Number), values.map(isFloat ? Math.fround : Number));
    }
  });
}

test("what is loaded and saved again is the same, with whole numbers beyond 2^53", () => {
  const steps = { dtype: "I64" as const, shape: [2], data: BigInt64Array.of(2n ** 62n + 1n, -1n) };
  const mask = { dtype: "BOOL" as const, shape: [3], data: Uint8Array.of(1, 0, 1) };
  const w = { dtype: "F32" as const, shape: [1, 2], data: Float32Array.of(-0, 1.5) };
  const file = saveWeights(
    new Map<string, typeof steps | typeof mask | typeof w>([
      ["w", w],
      ["steps", steps],
      ["mask", mask],
    ]),
  );
  const loaded = loadWeights(Buffer.concat([file]));
  assert.deepEqual(loaded.get("steps"), { ...steps, stored: "I64" });
  assert.deepEqual(loaded.get("mask"), { ...mask, stored: "BOOL" });
  assert.deepEqual(loaded.get("w"), { ...w, stored: "F32" });
  assert.deepEqual(saveWeights(loaded), file);
  (loaded.get("w")!.data as Float32Array).fill(9);
  assert.deepEqual(loadWeights(file).get("w")!.data, w.data, "what is loaded owns its memory");
});

test("F64 is rounded to the nearest F32", () => {
  const data = new Uint8Array(Float64Array.of(0.1, 1e300).buffer);
  assert.deepEqual([...weightTensor("w", { dtype: "F64", shape: [2] }, data).data], [Math.fround(0.1), Number.POSITIVE_INFINITY]);
});

test("every type is read or refused by name", () => {
  const refused: Dtype[] = [];
  for (const dtype of dtypes.keys() as Iterable<Dtype>) {
    const file = writeSafetensors([{ name: "w", dtype, shape: [8], data: new Uint8Array(dtypes.get(dtype)!.bits) }]);
    try {
      assert.equal(loadWeights(file).get("w")!.stored, dtype);
    } catch (error) {
      assert.ok(error instanceof TensorTypeError);
      assert.match(error.message, new RegExp(`^tensor "w" is ${dtype}, which is not computed with: save it as F32, F16 or BF16$`));
      refused.push(dtype);
    }
  }
  assert.deepEqual(refused.sort(), ["C64", "F4", "F6_E2M3", "F6_E3M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F8_E8M0"]);
});

test("a network without buffers takes BF16 and F16, and no whole numbers", () => {
  const file = writeSafetensors([{ name: "w", dtype: "BF16", shape: [2], data: Uint8Array.of(0x80, 0x3f, 0x00, 0xc0) }]);
  assert.deepEqual([...loadFloat32(file).get("w")!.data], [1, -2]);
  const whole = writeSafetensors([{ name: "i", dtype: "I32", shape: [1], data: new Uint8Array(4) }]);
  assert.throws(() => loadFloat32(whole), /^TensorTypeError: tensor "i" is I32, expected numbers with a fraction \(F32, F16 or BF16\)$/);
});
