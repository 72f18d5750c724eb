import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, canonicalRecipe, type Json, parseEnvelope, parseRecipe, RecipeError, recipeInputs, recipeKey } from "./index.ts";

const digest = (digit: string) => `sha256:${digit.repeat(64)}` as const;

const average = {
  kind: "average",
  inputs: { models: [digest("b"), digest("a")] },
  parameters: { method: "uniform", dtype: "F32" },
  arithmetic: "exact-mean/1",
} as const;

test("canonical JSON follows RFC 8785", () => {
  // The example of RFC 8785, section 3.2.2, with the numbers and literals of its table.
  const value = {
    numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 1e-27],
    string: '€$\u000f\nA\'B"\\\\"/',
    literals: [null, true, false],
  };
  assert.equal(
    canonicalJson(value),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  // Section 3.2.3: names are sorted by UTF-16 code units.
  assert.equal(
    canonicalJson({ "€": 1, "\r": 2, \ufb33: 3, "1": 4, "😀": 5, "\u0080": 6, ö: 7 }),
    '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
  );
});

test("a recipe key is the sha-256 of the canonical text", () => {
  assert.equal(
    canonicalRecipe(average),
    `{"arithmetic":"exact-mean/1","inputs":{"models":["${digest("b")}","${digest("a")}"]},"kind":"average","parameters":{"dtype":"F32","method":"uniform"}}`,
  );
  // printf '%s' "$text" | sha256sum
  assert.equal(recipeKey(average), "sha256:0f50d045134bf7f3536ddf2122438326c8a8f0f02ff1d80cb62f558a14561b88");
});

test("a recipe of an average names any method, with its parameters, a base model, statistics and a seed", () => {
  const recipe = parseRecipe({
    kind: "average",
    inputs: { models: [digest("b"), digest("a")], base: digest("c") },
    parameters: { method: "dare_ties", weights: [1, 2], parameters: { density: [0.5, 0.25], rescale: true }, dtype: "BF16" },
    seed: 7,
    arithmetic: "merge/1",
  });
  assert.equal(
    canonicalRecipe(recipe),
    `{"arithmetic":"merge/1","inputs":{"base":"${digest("c")}","models":["${digest("b")}","${digest("a")}"]},"kind":"average","parameters":{"dtype":"BF16","method":"dare_ties","parameters":{"density":[0.5,0.25],"rescale":true},"weights":[1,2]},"seed":7}`,
  );
  assert.deepEqual(recipeInputs(recipe), [digest("c"), digest("b"), digest("a")]);
});

test("canonical JSON does not depend on the order of names and survives a round trip", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as Json);
      assert.equal(canonicalJson(JSON.parse(text)), text);
      assert.equal(canonicalJson(reversed(value as Json)), text);
    }),
  );
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, item]) => [name, reversed(item)]),
  );
}

test("the key changes with every field", () => {
  const keys = [
    average,
    { ...average, inputs: { models: [digest("a"), digest("b")] } },
    { ...average, parameters: { method: "uniform", dtype: "F32", exclude: [] } },
    { ...average, arithmetic: "exact-mean/2" },
  ].map((recipe) => recipeKey(recipe as never));
  assert.equal(new Set(keys).size, keys.length);
});

test("a recipe lists its inputs by role, then in order", () => {
  const recipe = parseRecipe({
    kind: "evaluate",
    inputs: { validation: [digest("3"), digest("2")], models: [digest("1")], heldOut: digest("4") },
    parameters: { measure: "accuracy", validationFraction: 0.2 },
    arithmetic: "tfjs-wasm-simd/4.22.0 measure/1",
  });
  assert.deepEqual(recipeInputs(recipe), [digest("4"), digest("1"), digest("3"), digest("2")]);
});

for (const [title, recipe, field] of [
  ["an unknown kind", { ...average, kind: "averag" }, "kind"],
  ["an unknown field", { ...average, host: "here" }, "host"],
  ["a missing arithmetic", { ...average, arithmetic: undefined }, "arithmetic"],
  ["a malformed digest", { ...average, inputs: { models: ["sha256:12"] } }, "inputs.models.0"],
  ["no models", { ...average, inputs: { models: [] } }, "inputs.models"],
  ["a method that cannot be one", { ...average, parameters: { method: "The mean", dtype: "F32" } }, "parameters.method"],
  ["a type that averages are not written in", { ...average, parameters: { method: "uniform", dtype: "I8" } }, "parameters.dtype"],
  ["a seed that is not one", { ...average, seed: 0.5 }, "seed"],
] as const) {
  test(`parseRecipe refuses ${title} and names ${field}`, () => {
    assert.throws(
      () => parseRecipe(recipe),
      (error) => error instanceof RecipeError && error.field === field,
    );
  });
}

const unknown = {
  kind: "distil",
  inputs: { teacher: digest("a") },
  parameters: { students: [1, { a: null }] },
  seed: 3,
  arithmetic: "~x/1",
};

test("parseEnvelope reads a recipe of a kind that nobody here knows, as it is", () => {
  assert.deepEqual(parseEnvelope(JSON.stringify(unknown)), unknown);
  assert.throws(() => parseRecipe(unknown), /kind: unknown kind "distil"; expected one of import, dataset, /);
});

test("whatever parseRecipe takes, parseEnvelope takes, with the same text", () => {
  assert.equal(canonicalRecipe(parseEnvelope(average)), canonicalRecipe(parseRecipe(average)));
});

for (const [title, recipe, field] of [
  ["a text that is no JSON", "{", "recipe"],
  ["a list", [], "recipe"],
  ["no kind", { ...unknown, kind: undefined }, "kind"],
  ["a kind that is no word", { ...unknown, kind: "Distil it" }, "kind"],
  ["a field of its own", { ...unknown, host: "here" }, "host"],
  ["no inputs", { ...unknown, inputs: undefined }, "inputs"],
  ["an input that is no digest", { ...unknown, inputs: { teacher: "me" } }, "inputs.teacher"],
  ["an empty list of inputs", { ...unknown, inputs: { teachers: [] } }, "inputs.teachers"],
  ["a list with something else", { ...unknown, inputs: { teachers: [digest("a"), 3] } }, "inputs.teachers.1"],
  ["a role with a blank", { ...unknown, inputs: { "the teacher": digest("a") } }, "inputs"],
  ["parameters that are a list", { ...unknown, parameters: [] }, "parameters"],
  ["a number that is not finite", { ...unknown, parameters: { a: [Number.POSITIVE_INFINITY] } }, "parameters.a.0"],
  ["a seed beyond 32 bits", { ...unknown, seed: 2 ** 32 }, "seed"],
  ["an arithmetic of two lines", { ...unknown, arithmetic: "a\nb" }, "arithmetic"],
] as const) {
  test(`parseEnvelope refuses ${title} and names ${field}`, () => {
    assert.throws(
      () => parseEnvelope(recipe),
      (error) => error instanceof RecipeError && error.field === field,
    );
  });
}
