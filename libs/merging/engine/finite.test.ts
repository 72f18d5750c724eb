import assert from "node:assert/strict";
import { mkdir, readdir } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { coordinates, narrow, type TensorData } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import type { Method } from "../method.ts";
import { methods } from "../methods/index.ts";
import type { MergePlan } from "../plan/index.ts";
import { MergeError } from "./errors.ts";
import { runMerge } from "./run-merge.ts";
import { neededParameters, planOf, randomTensor, writeModels } from "./testing/models.ts";

const signal = new AbortController().signal;

/** What a number may be put into: a member, the base, or the statistics of a member. */
type Role = "member" | "base" | "statistics";

/** The numbers of a tensor, with one of them replaced. */
function withNumber(tensor: TensorData, element: number, value: number): TensorData {
  const data = tensor.data.slice();
  const bytes = { F64: 8, F32: 4, F16: 2, BF16: 2 }[tensor.dtype as "F32"];
  narrow(tensor.dtype as "F32", Float64Array.of(value), data.subarray(element * bytes, (element + 1) * bytes));
  return { ...tensor, data };
}

const SHAPES: readonly (readonly number[])[] = [[5, 8], [], [70_001], [2, 3, 4]];

const made = new Map<string, readonly TensorData[]>();

/** The same for the same arguments, made once: drawing the numbers takes longer than merging them. */
function tensorsOf(dtype: "F32" | "F16" | "BF16" | "F64", seed: number): TensorData[] {
  const key = `${dtype} ${seed}`;
  const tensors = made.get(key) ?? SHAPES.map((shape, i) => randomTensor(`t${i}`, dtype, shape, seed + 10 * i));
  made.set(key, tensors);
  return [...tensors];
}

/** Statistics as a method wants them: numbers above zero, or for Gram matrices squares of numbers on a diagonal. */
function statisticsFor({ statistics }: Method, seed: number): TensorData[] {
  return SHAPES.flatMap((shape, i) => {
    if (statistics === "gram" && i !== 0) return [];
    const size = statistics === "gram" ? [8, 8] : shape;
    const elements = size.reduce((a, b) => a * b, 1);
    const values = Float64Array.from({ length: elements }, (_, k) => (statistics === "gram" && k % 9 !== 0 ? 0 : 1 + ((k + seed) % 5)));
    const data = new Uint8Array(4 * elements);
    narrow("F32", values, data);
    return [{ name: `t${i}`, dtype: "F32" as const, shape: size, data }];
  });
}

const cases = fc.record({
  role: fc.constantFrom<Role>("member", "member", "base", "statistics"),
  dtype: fc.constantFrom("F32" as const, "F16" as const, "BF16" as const, "F64" as const),
  which: fc.nat({ max: 2 }),
  tensor: fc.nat({ max: SHAPES.length - 1 }),
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  value: fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
});

async function planFor(method: Method, folder: string, given: typeof cases extends fc.Arbitrary<infer T> ? T : never) {
  const count = Math.min(3, method.models.max);
  const hasBase = method.base !== "none";
  const isIn = given.role === "base" ? hasBase : given.role === "statistics" ? method.statistics !== undefined : true;
  const role: Role = isIn ? given.role : "member";
  const which = role === "base" ? 0 : given.which % count;
  const sets = {
    member: Array.from({ length: count }, (_, k) => tensorsOf(given.dtype, 100 * k)),
    base: hasBase ? [tensorsOf(given.dtype, 900)] : [],
    statistics: method.statistics ? Array.from({ length: count }, (_, k) => statisticsFor(method, k)) : [],
  };
  const target = sets[role][which]!;
  const at = given.tensor % target.length;
  const { name, shape } = target[at]!;
  const element = Math.floor(given.place * shape.reduce((a, b) => a * b, 1));
  target[at] = withNumber(target[at]!, element, given.value);
  await mkdir(`${folder}/statistics`, { recursive: true });
  const models = await writeModels(folder, [...sets.member, ...sets.base]);
  const base = hasBase ? models.pop()! : undefined;
  const statistics = sets.statistics.length > 0 ? await writeModels(`${folder}/statistics`, sets.statistics) : undefined;
  const parameters = neededParameters(method, count);
  const digest = (k: number) => `sha256:${String(k).repeat(64)}` as const;
  const plan = await planOf(models, {
    method: method.name,
    parametersOf: () => parameters,
    digests: models.map((_, k) => digest(k)),
    ...(base ? { base, baseDigest: digest(9) } : {}),
    ...(statistics ? { statistics, statisticsDigests: statistics.map((_, k) => digest(k)) } : {}),
  });
  const owner = { member: models, base: base ? [base] : [], statistics: statistics ?? [] }[role][which]!.name;
  return { plan, name, element, shape, owner };
}

for (const method of methods) {
  test(`${method.name} names a number that is not finite, wherever it is, and writes nothing`, async () => {
    await using folder = await temporaryDirectory();
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const { plan, name, element, shape, owner } = await planFor(method, folder.path, given);
        const error = await failure(plan, folder.join("out"));
        const index = shape.length === 0 ? "" : ` at [${coordinates(element, shape).join(", ")}]`;
        assert.deepEqual([error.kind, error.tensor, error.element], ["not-finite", name, element], error.message);
        assert.ok(error.message.startsWith(`tensor "${name}" is not finite${index}: `), error.message);
        assert.ok(error.message.includes(`${owner} has ${given.value} there`), error.message);
        assert.deepEqual(await readdir(folder.join("out")), []);
      }),
      { numRuns: 4 },
    );
  });
}

async function failure(plan: MergePlan, directory: string): Promise<MergeError> {
  const error = await runMerge(plan, { directory, signal, fsync: false }).catch((caught: unknown) => caught);
  assert.ok(error instanceof MergeError, `${error instanceof Error ? error.stack : JSON.stringify(error)}`);
  return error;
}

const numbers = (name: string, dtype: "F32" | "F16", shape: number[], ...values: number[]): TensorData => {
  const data = new Uint8Array(values.length * { F32: 4, F16: 2 }[dtype]);
  narrow(dtype, Float64Array.from(values), data);
  return { name, dtype, shape, data };
};

test("results that are too large, and differences that are, are errors though every input is finite", async () => {
  await using folder = await temporaryDirectory();
  const far = [numbers("w", "F32", [1, 2], 1, 3e38)];
  const base = [numbers("w", "F32", [1, 2], 0, -3e38)];
  const half = (value: number) => [numbers("w", "F16", [2], 1, value)];
  const cases: [string, TensorData[][], Record<string, number>, RegExp][] = [
    [
      "ties",
      [far, base],
      { weight: 0 },
      /no finite difference at \[0, 1\]: \S+model-0.safetensors minus the base \S+ is too large for F32$/,
    ],
    ["dare_ties", [far, base], { weight: 1 }, /no finite difference at \[0, 1\]/],
    ["task_arithmetic", [half(6e4), half(0)], { weight: 1.5 }, /no finite result at \[1\]: the result is too large for F16/],
    ["linear", [half(6e4), half(6e4)], { weight: 1 }, /no finite result at \[1\]: the result is too large for F16/],
  ];
  for (const [method, tensors, weight, message] of cases) {
    const [model, other] = await writeModels(folder.path, tensors);
    const withBase = method !== "linear";
    const plan = await planOf(withBase ? [model!] : [model!, other!], {
      method,
      parametersOf: () => ({ models: withBase ? [weight] : [weight, weight], merge: method === "linear" ? { normalize: false } : {} }),
      ...(withBase ? { base: other!, baseDigest: `sha256:${"b".repeat(64)}` } : {}),
    });
    const error = await failure(plan, folder.join("out"));
    assert.equal(error.kind, "overflow", error.message);
    assert.match(error.message, message);
    assert.deepEqual(await readdir(folder.join("out")), []);
  }
});
