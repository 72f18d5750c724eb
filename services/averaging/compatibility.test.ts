import assert from "node:assert/strict";
import { test } from "node:test";
import { type Dtype, parseSafetensorsHeader, tensorBytes, writeSafetensors } from "#libs/tensors";
import { compareLayouts } from "./compatibility.ts";

const header = (...tensors: [string, Dtype, number[]][]) => {
  const rows = tensors.map(([name, dtype, shape]) => ({ name, dtype, shape, data: new Uint8Array(tensorBytes(dtype, shape)) }));
  const bytes = writeSafetensors(rows);
  return parseSafetensorsHeader(bytes, bytes.length);
};
const none = new Set<string>();

test("equal layouts are compatible, whatever the order in the files", () => {
  const { layout, mismatches } = compareLayouts(
    [header(["a", "F32", [2]], ["b", "BF16", [3, 1]]), header(["b", "BF16", [3, 1]], ["a", "F32", [2]])],
    none,
  );
  assert.deepEqual(mismatches, []);
  assert.deepEqual(layout, [
    { name: "a", dtype: "F32", shape: [2] },
    { name: "b", dtype: "BF16", shape: [3, 1] },
  ]);
});

test("every tensor that differs is listed, with who has what", () => {
  const { layout, mismatches } = compareLayouts(
    [
      header(["a", "F32", [2]], ["b", "F32", [2, 3]], ["c", "F32", [1]], ["same", "F32", [1]], ["tiny", "F8_E4M3", [8]]),
      header(["a", "F16", [2]], ["b", "F32", [3, 2]], ["d", "F32", [1]], ["same", "F32", [1]], ["tiny", "F8_E4M3", [8]]),
      header(["a", "F32", [2]], ["b", "F32", [2, 3]], ["c", "F32", [1]], ["same", "F32", [1]], ["tiny", "F8_E4M3", [8]]),
    ],
    none,
  );
  assert.deepEqual(mismatches, [
    { tensor: "a", problem: "F32 [2] in models[0], models[2]; F16 [2] in models[1]" },
    { tensor: "b", problem: "F32 [2, 3] in models[0], models[2]; F32 [3, 2] in models[1]" },
    { tensor: "c", problem: "F32 [1] in models[0], models[2]; missing in models[1]" },
    { tensor: "d", problem: "missing in models[0], models[2]; F32 [1] in models[1]" },
    { tensor: "tiny", problem: "F8_E4M3 cannot be averaged" },
  ]);
  assert.deepEqual(layout, [{ name: "same", dtype: "F32", shape: [1] }]);
});

test("excluded tensors may differ and are left out", () => {
  const models = [header(["body", "F32", [2]], ["head", "F32", [100]]), header(["body", "F32", [2]], ["head", "F32", [50]])];
  assert.deepEqual(compareLayouts(models, new Set(["head"])), { layout: [{ name: "body", dtype: "F32", shape: [2] }], mismatches: [] });
});
