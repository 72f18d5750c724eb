import fc from "fast-check";
import type { Method, Values } from "../../method.ts";
import { type GivenValues, type InMemoryOptions, runMethodInMemory, type TensorInMemory } from "../index.ts";

/** Inputs of one merge: numbers of each model, of one tensor. */
export type Inputs = { readonly models: readonly Values[]; readonly base: Values; readonly shape: readonly number[] };

/** Eighths, a third of them zeros: sums are exact, and there are many equal ones. */
export const eighths = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: -64, max: 64 }).map((n) => n / 8) },
);

/** Any numbers that a model can have, the ends of the range of float32 too. */
export const floats = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1, -1, 2 ** -149, -(2 ** -126), 3.4028234663852886e38, -3.4028234663852886e38),
);

/** Matrices of up to 4 × 6 numbers, for up to four models and a base. */
export function inputs(numbers: fc.Arbitrary<number> = eighths, least = 1): fc.Arbitrary<Inputs> {
  return fc
    .record({ models: fc.integer({ min: 2, max: 4 }), rows: fc.integer({ min: least, max: 4 }), columns: fc.integer({ min: 1, max: 6 }) })
    .chain(({ models, rows, columns }) => {
      const values = fc
        .array(numbers, { minLength: rows * columns, maxLength: rows * columns })
        .map((list): Values => Float32Array.from(list));
      const shape = fc.constant([rows, columns]);
      return fc.record({ models: fc.array(values, { minLength: models, maxLength: models }), base: values, shape });
    });
}

/** Numbers that look like weights, by index: the same each time. */
export function noise(count: number, seed: number, scale = 1): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (scale * (state - 2 ** 31)) / 2 ** 31;
  });
}

/** Values that every method can do with, where its defaults do not do. */
export const GIVEN: { readonly [method: string]: GivenValues["merge"] } = {
  nearswap: { t: 0.5 },
  ties: { density: 0.5 },
  dare_linear: { density: 0.5 },
  dare_ties: { density: 0.5 },
  della: { density: 0.5 },
  della_linear: { density: 0.5 },
  breadcrumbs: { density: 0.5, gamma: 0.1 },
  breadcrumbs_ties: { density: 0.5, gamma: 0.1 },
  sce: { select_topk: 0.5 },
  slerp: { t: 0.3 },
  wise_ft: { alpha: 0.25 },
  ema: { decay: 0.5 },
};

export type RunOptions = InMemoryOptions & {
  readonly given?: GivenValues;
  readonly statistics?: readonly Values[];
  readonly name?: string;
};

/** The tensor that a method gets of these inputs: as many models as it takes, a base and statistics where it wants them. */
export function tensorOf(method: Method, { models, base, shape }: Inputs, options: RunOptions = {}): TensorInMemory {
  const used = models.slice(0, method.models.max);
  const statistics = options.statistics ?? statisticsOf(method, used, shape);
  return {
    name: options.name ?? "blocks.0.weight",
    shape,
    models: used,
    ...(method.base === "none" ? {} : { base }),
    ...(statistics === undefined ? {} : { statistics }),
    parameters: options.given ?? { merge: GIVEN[method.name] ?? {} },
  };
}

/** What a method makes of these inputs. */
export function run(method: Method, given: Inputs, options: RunOptions = {}): Values {
  return runMethodInMemory(method, [tensorOf(method, given, options)], options)[0]!;
}

/** Information that is not negative, and Gram matrices of as many inputs as the tensor has columns. */
export function statisticsOf(method: Method, models: readonly Values[], shape: readonly number[]): readonly Values[] | undefined {
  if (method.statistics === "fisher") return models.map((values, k) => noise(values.length, k + 11).map(Math.abs));
  if (method.statistics !== "gram") return undefined;
  const inputs = shape.at(-1)!;
  return models.map((_, k) => gramOf(noise(3 * inputs, k + 17), inputs));
}

/** XᵀX / n of n rows. */
export function gramOf(rows: Values, inputs: number): Float32Array {
  const count = rows.length / inputs;
  const gram = new Float32Array(inputs * inputs);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < inputs; j++) {
      for (let n = 0; n < count; n++) gram[i * inputs + j]! += (rows[n * inputs + i]! * rows[n * inputs + j]!) / count;
    }
  }
  return gram;
}

/** Why two results differ, by more than `within` times the larger of the number and 1; undefined if they do not. */
export function difference(actual: Values, expected: ArrayLike<number>, within: number): string | undefined {
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i]! - expected[i]!) <= within * Math.max(1, Math.abs(expected[i]!)))) {
      return `number ${i} is ${actual[i]} instead of ${expected[i]}`;
    }
  }
  return actual.length === expected.length ? undefined : `there are ${actual.length} numbers instead of ${expected.length}`;
}
