/** Writes tensors to a file, reads one of them back without reading the file, and all of them as numbers. No server is needed. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSource, loadWeights, openSafetensors, saveWeights, type WeightTensor } from "ratatouille/safetensors";

const folder = await mkdtemp(join(tmpdir(), "safetensors-"));
try {
  const path = join(folder, "model.safetensors");
  const tensors = new Map<string, WeightTensor>([
    ["weight", { dtype: "F32", stored: "F32", shape: [2, 2], data: Float32Array.of(1, -2, 0.5, 4) }],
    ["steps", { dtype: "I64", stored: "I64", shape: [], data: BigInt64Array.of(7n) }],
  ]);
  await writeFile(path, saveWeights(tensors));

  {
    await using source = await fileSource(path);
    const file = await openSafetensors(source);
    assert.deepEqual([...file.header.tensors.keys()].sort(), ["steps", "weight"]);
    const { dtype, shape } = file.header.tensors.get("weight")!;
    assert.deepEqual([dtype, shape], ["F32", [2, 2]]);
    // The second row: bytes 8 to 16.
    const row = await file.read("weight", { offset: 8, length: 8 });
    assert.equal(new DataView(row.buffer, row.byteOffset).getFloat32(4, true), 4);
  }

  const weights = loadWeights(await readFile(path));
  assert.deepEqual(weights.get("weight")?.data, Float32Array.of(1, -2, 0.5, 4));
  assert.equal(weights.get("steps")?.data[0], 7n);
  console.log("written and read: weight as F32, steps as I64");
} finally {
  await rm(folder, { recursive: true });
}
