import assert from "node:assert/strict";
import { test } from "node:test";
import type { Weights } from "#libs/learning";
import { checkFit } from "./check-fit.ts";
import { InvalidEvaluationError } from "./errors.ts";

function mlp(features: number, width: number, classes: number, fill = 0): Weights {
  const tensor = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(fill) });
  return new Map([
    ["fc1.weight", tensor(width, features)],
    ["fc1.bias", tensor(width)],
    ["head.weight", tensor(classes, width)],
    ["head.bias", tensor(classes)],
  ]);
}

const data = {
  field: "recipe.inputs.heldOut",
  dataset: { images: new Float32Array(8), labels: new Int32Array(2), count: 2, features: 4, classes: 3 },
};

function violations(...models: Weights[]): string[] {
  try {
    checkFit({ models, datasets: [data] });
  } catch (error) {
    assert.ok(error instanceof InvalidEvaluationError);
    return error.violations.map(({ field, description }) => `${field} ${description}`);
  }
  return [];
}

test("models that fit pass", () => {
  assert.deepEqual(violations(mlp(4, 5, 3), mlp(4, 5, 3)), []);
});

test("a model for other data is named with both numbers", () => {
  assert.deepEqual(violations(mlp(6, 5, 2)), [
    "recipe.inputs.models[0] takes 6 features; recipe.inputs.heldOut has 4",
    "recipe.inputs.models[0] has 2 classes; recipe.inputs.heldOut has 3",
  ]);
});

test("a featurizer alone is refused", () => {
  const featurizer = new Map([...mlp(4, 5, 3)].filter(([name]) => name.startsWith("fc")));
  assert.deepEqual(violations(featurizer), ["recipe.inputs.models[0] has no matrix head.weight; a featurizer alone cannot be evaluated"]);
});

test("a model unlike the first is named with every tensor that differs", () => {
  assert.deepEqual(violations(mlp(4, 5, 3), mlp(4, 6, 3)), [
    "recipe.inputs.models[1] has fc1.weight of shape [6, 4]; the first model has [5, 4]",
    "recipe.inputs.models[1] has fc1.bias of shape [6]; the first model has [5]",
    "recipe.inputs.models[1] has head.weight of shape [3, 6]; the first model has [3, 5]",
  ]);
});

test("weights that are not finite are named with their tensor", () => {
  const [first] = violations(mlp(4, 5, 3, Number.NaN));
  assert.equal(first, "recipe.inputs.models[0] has NaN in fc1.weight; all weights have to be finite numbers");
});
