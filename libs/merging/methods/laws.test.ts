import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BLOCK, type Method, type Values } from "../method.ts";
import { completeAll, methodGroups, methodNamed, methods } from "./index.ts";
import { difference, eighths, floats, GIVEN, type Inputs, inputs, noise, run, tensorOf } from "./testing/tasks.ts";

test("names and aliases are of one method each, and a method is in one group", () => {
  const names = methods.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  assert.equal(new Set(names).size, names.length);
  assert.equal(methods.length, 34);
  assert.deepEqual(
    methodGroups.flatMap((group) => group.methods),
    methods,
  );
  for (const { name } of methods) assert.equal(methodNamed(name.replaceAll("_", "-"))?.name, name);
});

/** Models that are equal, and equal to the base, are what comes out: of every method. */
for (const method of methods) {
  test(`${method.name}: of equal models that one`, () => {
    fc.assert(
      fc.property(inputs(), ({ base, models, shape }) => {
        const made = run(method, { models: models.map(() => base), base, shape });
        assert.equal(difference(made, base, 2e-7), undefined);
      }),
      { numRuns: 25 },
    );
  });
}

/** The same with another base. Where it cannot be: a sum of changes is as many times the change, and others keep a part of it only. */
const KEEP_A_PART = ["wise_ft", "ties", "dare_linear", "dare_ties", "della", "della_linear", "breadcrumbs", "breadcrumbs_ties"];
const OTHER: { readonly [method: string]: readonly string[] } = {
  "the base plus as many times the change": ["task_arithmetic"],
  "a part of the change": [...KEEP_A_PART, "sce", "nearswap", "arcee_fusion"],
  "what is larger than epsilon": ["ram", "ramplus_tl"],
};

for (const method of methods.filter(({ name }) => !Object.values(OTHER).flat().includes(name))) {
  test(`${method.name}: of equal models that one, whatever the base`, () => {
    fc.assert(
      fc.property(inputs(), ({ base, models, shape }) => {
        const model = models[0]!;
        const made = run(method, { models: models.map(() => model), base, shape });
        assert.equal(difference(made, model, 2e-6), undefined);
      }),
      { numRuns: 25 },
    );
  });
}

/** Where order counts: trajectories, the two ends of an arc, and the first model of Fisher, which wins where nobody knows. */
const ORDERED = ["ema", "swa", "lawa", "slerp", "fisher"];
/** Directions that cancel have no mean, so these get some that do not. */
const SPHERES = ["nuslerp", "multislerp", "karcher"];
const positive = inputs(eighths.map((value) => 0.125 + Math.abs(value))).map((given) => ({ ...given, base: given.base.map(() => 0) }));
const taskFor = ({ name }: Method) => (SPHERES.includes(name) ? positive : inputs());
const several = methods.filter(({ name, models }) => models.max > 1 && !ORDERED.includes(name));

for (const method of several) {
  test(`${method.name}: the order of the models does not matter`, () => {
    const task = taskFor(method).chain((given) => {
      const all = given.models.slice(0, method.models.max).map((_, k) => k);
      return fc.record({ given: fc.constant(given), order: fc.shuffledSubarray(all, { minLength: all.length }) });
    });
    fc.assert(
      fc.property(task, ({ given, order }) => {
        const weighted = method.parameters.some(({ name }) => name === "weight");
        const parameters = (by: readonly number[]) => ({
          merge: GIVEN[method.name] ?? {},
          models: by.map((k) => (weighted ? { weight: 1 + k } : {})),
        });
        const digests = given.models.map((_, k) => `digest ${k}`);
        const own = order.toSorted((a, b) => a - b);
        const statistics = tensorOf(method, given).statistics;
        const pick = <T>(list: readonly T[]) => order.map((k) => list[k]!);
        const first = run(method, given, { given: parameters(own), digests, type: "F64" });
        const second = run(
          method,
          { ...given, models: pick(given.models) },
          { given: parameters(order), digests: pick(digests), type: "F64", ...(statistics ? { statistics: pick(statistics) } : {}) },
        );
        // Angles of nearly parallel vectors are as good as the root of a rounding.
        assert.equal(difference(second, first, ["nuslerp", "karcher", "geometric_median"].includes(method.name) ? 1e-6 : 1e-12), undefined);
      }),
      { numRuns: 25 },
    );
  });
}

for (const method of methods.filter(({ random }) => !random)) {
  test(`${method.name}: draws nothing, so that other digests and seeds change nothing`, () => {
    fc.assert(
      fc.property(taskFor(method), (given) => {
        const digests = (name: string) => given.models.map((_, k) => `${name} ${k}`);
        const [one, other] = [run(method, given, { digests: digests("a") }), run(method, given, { digests: digests("b"), seed: 9 })];
        assert.deepEqual(one, other);
      }),
      { numRuns: 10 },
    );
  });
}

/** Two blocks and a bit, in rows that do not end where blocks do. */
const rows = 1060;
const columns = 125;
const large: Inputs = {
  models: [1, 2, 3].map((seed) => noise(rows * columns, seed)),
  base: noise(rows * columns, 4),
  shape: [rows, columns],
};

for (const method of methods) {
  test(`${method.name}: windows of any number of blocks give the same bits`, () => {
    assert.ok(rows * columns > 2 * BLOCK);
    const [one, two, all] = [1, 2, 3].map((blocks) => run(method, large, { blocks, seed: 5 })) as [Values, Values, Values];
    assert.deepEqual(two, one);
    assert.deepEqual(all, one);
    assert.ok(one.every(Number.isFinite));
  });
}

test("what is made of whole tensors is the same in pieces, where they may be split", () => {
  let found = 0;
  for (const method of methods) {
    const { name, models, base, statistics, shape, parameters } = tensorOf(method, large);
    const { length } = models[0]!;
    const task = {
      ...{ name, shape, models: models.length, hasBase: base !== undefined, hasStatistics: statistics !== undefined, seed: 3 },
      ...{ digests: models.map((_, k) => `${k}`), parameters: completeAll(method, parameters ?? {}, models.length) },
    };
    const program = method.program(task);
    if (program.kind !== "whole" || program.split === undefined) continue;
    found += 1;
    const out = new Float64Array(length);
    const optional = (from: number, to: number) => ({
      ...(base ? { base: base.subarray(from, to) as Values } : {}),
      ...(statistics ? { statistics } : {}),
    });
    program.apply({ models, ...optional(0, length) }, out, 0);
    const pieces = new Float64Array(length);
    const step = 7 * program.split;
    for (let from = 0; from < length; from += step) {
      const to = Math.min(length, from + step);
      const cut = models.map((values) => values.subarray(from, to) as Values);
      program.apply({ models: cut, ...optional(from, to) }, pieces.subarray(from, to), from);
    }
    assert.deepEqual(pieces, out, method.name);
  }
  assert.equal(found, 3);
});

/** Methods that are linear in the models and the base, DARE for the masks that it has. */
const LINEAR = ["linear", "fusing", "passthrough", "wise_ft", "ema", "swa", "lawa", "task_arithmetic", "dare_linear", "random_pick"];

for (const name of LINEAR) {
  const method = methodNamed(name)!;
  test(`${name} is linear`, () => {
    const pair = inputs().chain((x) => {
      const like = fc.array(eighths, { minLength: x.base.length, maxLength: x.base.length }).map((list) => Float32Array.from(list));
      const many = fc.array(like, { minLength: x.models.length, maxLength: x.models.length });
      return fc.record({
        x: fc.constant(x),
        models: many,
        base: like,
        a: fc.integer({ min: -8, max: 8 }),
        b: fc.integer({ min: -8, max: 8 }),
      });
    });
    fc.assert(
      fc.property(pair, ({ x, models, base, a, b }) => {
        const add = (first: Values, second: Values) => first.map((value, i) => a * value + b * second[i]!) as Values;
        const both = { models: x.models.map((values, k) => add(values, models[k]!)), base: add(x.base, base), shape: x.shape };
        const options = { type: "F64", seed: 9 } as const;
        const expected = add(run(method, x, options), run(method, { models, base, shape: x.shape }, options));
        assert.equal(difference(run(method, both, options), expected, 1e-11), undefined);
      }),
    );
  });
}

test("slerp ends at the models", () => {
  const slerp = methodNamed("slerp")!;
  fc.assert(
    fc.property(inputs(), (given) => {
      for (const [t, model] of given.models.slice(0, 2).entries()) {
        assert.equal(difference(run(slerp, given, { given: { merge: { t } }, type: "F64" }), model, 1e-12), undefined);
      }
    }),
  );
});

/**
 * Whatever the numbers, none of what comes out is NaN. What cannot be done is said in a sentence. With weights of 0 and below, differences
 * have to be in the range of float32: infinite ones are 0 · ∞ then.
 */
for (const method of methods) {
  const weight = method.parameters.find(({ name }) => name === "weight");
  const possible = fc.constantFrom(0, 1, 2, 0.1, ...(weight?.min === 0 ? [] : [-1, -2]));
  const weights = fc.option(fc.array(possible, { minLength: 4, maxLength: 4 }), { nil: undefined });
  test(`${method.name}: no NaN`, () => {
    fc.assert(
      fc.property(inputs(floats, 0), weights, ({ models, base, shape }, all) => {
        const own =
          all === undefined || weight === undefined ? [] : models.slice(0, method.models.max).map((_, k) => ({ weight: all[k]! }));
        const quarter = (values: Values) => values.map((value) => (own.length === 0 ? value : value / 4)) as Values;
        const given = { models: models.map(quarter), base: quarter(base), shape };
        try {
          const made = run(method, given, { type: "F64", given: { merge: GIVEN[method.name] ?? {}, models: own } });
          assert.ok(made.every((value) => !Number.isNaN(value)));
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
          assert.match(error.message, /: (give|one) /);
        }
      }),
      { numRuns: 100 },
    );
  });
}
