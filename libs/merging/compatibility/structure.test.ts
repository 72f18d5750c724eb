import assert from "node:assert/strict";
import { test } from "node:test";
import type { Dtype } from "#libs/tensors";
import { compareStructure, type Structure } from "./structure.ts";

function model(name: string, tensors: { readonly [name: string]: readonly [Dtype, readonly number[]] }): Structure {
  const entries = Object.entries(tensors).map(
    ([tensor, [dtype, shape]]) => [tensor, { file: 0, dtype, shape, offset: 0, length: 0 }] as const,
  );
  return { name, tensors: new Map(entries) };
}

test("models of one structure have nothing in the way, in whatever order their tensors are", () => {
  const a = model("a", { w: ["F32", [2, 3]], steps: ["I64", []], mask: ["BOOL", [4]], none: ["BF16", [0, 7]] });
  const b = model("b", { none: ["BF16", [0, 7]], mask: ["BOOL", [4]], steps: ["I64", []], w: ["F32", [2, 3]] });
  assert.deepEqual(compareStructure([a, b]), []);
  assert.deepEqual(compareStructure([a]), []);
  assert.deepEqual(compareStructure([]), []);
});

test("every tensor in the way is listed, with the models by name", () => {
  const a = model("a", { head: ["F32", [10, 4]], only: ["F32", [1]], type: ["F32", [2]], eight: ["F8_E4M3", [2]], fine: ["F32", [1]] });
  const b = model("b", { head: ["F32", [12, 4]], type: ["BF16", [2]], eight: ["F8_E4M3", [2]], fine: ["F32", [1]] });
  const c = model("c", { head: ["F32", [10, 4]], type: ["F32", [2]], eight: ["F8_E4M3", [2]], fine: ["F32", [1]] });
  assert.deepEqual(compareStructure([a, b, c]), [
    { tensor: "eight", code: "no-average", problem: "F8_E4M3 cannot be averaged" },
    { tensor: "head", code: "shape", problem: "F32 [10, 4] in a, c; F32 [12, 4] in b" },
    { tensor: "only", code: "missing", problem: "F32 [1] in a; missing in b, c" },
    { tensor: "type", code: "dtype", problem: "F32 [2] in a, c; BF16 [2] in b" },
  ]);
});

test("what is excluded is not in the way", () => {
  const a = model("a", { head: ["F32", [10, 4]], w: ["F32", [1]] });
  const b = model("b", { w: ["F32", [1]] });
  assert.deepEqual(compareStructure([a, b], { exclude: new Set(["head"]) }), []);
});

test("types of floating-point numbers may differ where the type of the result is given, those of whole numbers may not", () => {
  const a = model("a", { w: ["F32", [1]], steps: ["I64", []], odd: ["F32", [1]] });
  const b = model("b", { w: ["F16", [1]], steps: ["I32", []], odd: ["I32", [1]] });
  assert.deepEqual(
    compareStructure([a, b], { mixedTypes: true }).map(({ tensor, code }) => `${tensor} ${code}`),
    ["odd dtype", "steps dtype"],
  );
});
