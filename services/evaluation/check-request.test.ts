import assert from "node:assert/strict";
import { test } from "node:test";
import { arithmetics, digestOf, parseRecipe } from "#libs/recipes";
import { checkRequest } from "./check-request.ts";
import { InvalidEvaluationError } from "./errors.ts";

const [a, b, d, v] = ["a", "b", "d", "v"].map((name) => digestOf(name)) as [string, string, string, string];

type Changes = { inputs?: object; parameters?: object; arithmetic?: string };

function recipe({ inputs = { models: [a, b], heldOut: d, validation: [v] }, parameters = {}, arithmetic = arithmetics.wasm }: Changes) {
  return parseRecipe({ kind: "evaluate", inputs, parameters: { measure: "accuracy", validationFraction: 0.2, ...parameters }, arithmetic });
}

const many = (count: number) => Array<string>(count).fill(a);

const wrong: { readonly what: string; readonly fields: string[]; readonly changes: Changes }[] = [
  { what: "more models than fit one call", fields: ["recipe.inputs.models"], changes: { inputs: { models: many(1001), heldOut: d } } },
  {
    what: "more pairs than fit one result",
    fields: ["recipe.inputs.models"],
    changes: { inputs: { models: many(180), heldOut: d }, parameters: { measure: "barriers" } },
  },
  {
    what: "more places than fit one result",
    fields: ["recipe.parameters.pairs"],
    changes: { parameters: { measure: "interpolation", pairs: [[0, 1]], points: 50_001 } },
  },
  { what: "no data", fields: ["recipe.inputs"], changes: { inputs: { models: [a] } } },
  {
    what: "an ensemble without held-out rows",
    fields: ["recipe.inputs.heldOut"],
    changes: { inputs: { models: [a], validation: [v] }, parameters: { measure: "ensemble" } },
  },
  {
    what: "a greedy selection without validation rows",
    fields: ["recipe.inputs.validation"],
    changes: { inputs: { models: [a], heldOut: d }, parameters: { measure: "greedy", scores: [1] } },
  },
  {
    what: "validation data and a share of zero",
    fields: ["recipe.parameters.validationFraction"],
    changes: { parameters: { validationFraction: 0 } },
  },
  {
    what: "barriers of one model",
    fields: ["recipe.inputs.models"],
    changes: { inputs: { models: [a], heldOut: d }, parameters: { measure: "barriers" } },
  },
  {
    what: "diversity of one model",
    fields: ["recipe.inputs.models"],
    changes: { inputs: { models: [a], heldOut: d }, parameters: { measure: "diversity" } },
  },
  { what: "greedy without scores", fields: ["recipe.parameters.scores"], changes: { parameters: { measure: "greedy" } } },
  {
    what: "greedy with too many scores",
    fields: ["recipe.parameters.scores"],
    changes: { parameters: { measure: "greedy", scores: [1, 2, 3] } },
  },
  {
    what: "interpolation without pairs",
    fields: ["recipe.parameters.pairs"],
    changes: { parameters: { measure: "interpolation", pairs: [] } },
  },
  {
    what: "pairs of a model with itself or with none",
    fields: ["recipe.parameters.pairs[1]", "recipe.parameters.pairs[2]"],
    changes: {
      parameters: {
        measure: "interpolation",
        pairs: [
          [0, 1],
          [1, 1],
          [0, 2],
        ],
      },
    },
  },
  { what: "an unknown arithmetic", fields: ["recipe.arithmetic"], changes: { arithmetic: "abacus/1" } },
  {
    what: "two mistakes at once",
    fields: ["recipe.parameters.scores", "recipe.arithmetic"],
    changes: { parameters: { measure: "greedy", scores: [] }, arithmetic: "abacus/1" },
  },
];

for (const { what, fields, changes } of wrong) {
  test(`${what}: every wrong field is named`, () => {
    assert.throws(
      () => checkRequest(recipe(changes)),
      (error: unknown) => {
        assert.ok(error instanceof InvalidEvaluationError);
        assert.deepEqual(
          error.violations.map(({ field }) => field),
          fields,
        );
        return true;
      },
    );
  });
}

test("a recipe of another kind is refused by name", () => {
  const average = parseRecipe({
    kind: "average",
    inputs: { models: [a] },
    parameters: { method: "uniform", dtype: "F32" },
    arithmetic: "exact-mean/1",
  });
  assert.throws(() => checkRequest(average), /recipe\.kind is average/);
});

for (const parameters of [
  { measure: "accuracy" },
  { measure: "ensemble" },
  { measure: "barriers" },
  { measure: "diversity" },
  { measure: "greedy", scores: [1, 0] },
  { measure: "interpolation", pairs: [[1, 0]] },
]) {
  test(`${parameters.measure} with all it needs passes`, () => {
    assert.equal(checkRequest(recipe({ parameters })).parameters.measure, parameters.measure);
  });
}
