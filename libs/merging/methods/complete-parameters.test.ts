import assert from "node:assert/strict";
import { test } from "node:test";
import type { Method } from "../method.ts";
import { boundsOf, completeAll, MergeParameterError, methodNamed, methods } from "./index.ts";
import { GIVEN } from "./testing/tasks.ts";

test("what is given for the merge is the value of every model that has none of its own", () => {
  const values = completeAll(methodNamed("ties")!, { merge: { density: 0.5, lambda: 2 }, models: [{}, { density: 0.1, weight: 3 }] }, 2);
  assert.deepEqual(values.merge, { normalize: true, lambda: 2, rescale: false, whole_model: false });
  assert.deepEqual(values.models, [
    { weight: 1, density: 0.5 },
    { weight: 3, density: 0.1 },
  ]);
});

for (const method of methods.filter(({ parameters }) => parameters.length > 0)) {
  test(`${method.name}: values out of bounds are refused with a sentence`, () => {
    for (const parameter of method.parameters) {
      const { name, type, min, max, exclusive } = parameter;
      const wrong = type === "boolean" ? [1, 0.5] : [Number.NaN, Number.POSITIVE_INFINITY, true];
      if (type === "integer") wrong.push(1.5);
      if (min !== undefined) wrong.push(exclusive ? min : min - 1e-9);
      if (max !== undefined) wrong.push(exclusive ? max : max + 1e-9);
      for (const value of wrong) {
        const expected = `${name} is ${value}; it has to be ${boundsOf(parameter)}`;
        assert.throws(() => complete(method, { [name]: value }), isProblem(expected), expected);
      }
    }
    assert.throws(() => complete(method, { densty: 1 }), isProblem("there is no parameter densty; there is "));
  });
}

test("what has no default has to be given", () => {
  assert.throws(() => completeAll(methodNamed("nearswap")!, {}, 1), isProblem("t is missing; it has to be a number of at least 0"));
});

function complete(method: Method, values: { readonly [name: string]: number | boolean }) {
  return completeAll(method, { merge: { ...GIVEN[method.name], ...values } }, 2);
}

function isProblem(text: string): (error: unknown) => boolean {
  return (error) => error instanceof MergeParameterError && error.problems.some((problem) => problem.includes(text));
}
