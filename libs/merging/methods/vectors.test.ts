import assert from "node:assert/strict";
import { test } from "node:test";
import type { GivenValues } from "./index.ts";
import { methodNamed, runMethodInMemory, type TensorInMemory } from "./index.ts";

/** Numbers of one small tensor, and what a method has to make of them; worked out by hand from the formulas of the papers. */
type Vector = {
  readonly models: readonly (readonly number[])[];
  readonly base?: readonly number[];
  readonly statistics?: readonly (readonly number[])[];
  readonly shape?: readonly number[];
  readonly merge?: GivenValues["merge"];
  readonly each?: GivenValues["models"];
  readonly expected: readonly number[];
  readonly within?: number;
};

const base = [0, 1, -1, 2, 0, 0.5];
const changes = [
  [3, -1, 0.5, 2, 0, -0.2],
  [-2, -4, 0.1, 1, 0, 0.3],
  [1, 2, -0.6, -5, 0, 0.1],
];
const models = changes.map((change) => change.map((value, i) => value + base[i]!));
const half = Math.sqrt(0.5);

const vectors: { readonly [title: string]: Vector } = {
  "linear: the mean": { models, expected: [2 / 3, 0, -1, 4 / 3, 0, 17 / 30] },
  "linear: weights": { models: [[1], [2]], each: [{ weight: 3 }, { weight: 1 }], expected: [1.25] },
  "linear: weights as they are": {
    models: [[1], [2]],
    merge: { normalize: false },
    each: [{ weight: 3 }, { weight: 1 }],
    expected: [5],
  },
  "passthrough: scaled": { models: [[1, -2]], merge: { scale: 0.5 }, expected: [0.5, -1] },
  "wise_ft: a quarter of the way": { models: [[4, 0]], base: [0, 4], merge: { alpha: 0.25 }, expected: [1, 3] },
  "ema: ((0 + 1) / 2 + 2) / 2": { models: [[0], [1], [2]], merge: { decay: 0.5 }, expected: [1.25] },
  // Decays of 2/11 and 3/12.
  "ema: with a warmup": { models: [[0], [1], [2]], merge: { warmup: true }, expected: [0.25 * (9 / 11) + 0.75 * 2] },
  "swa: from the second on": { models: [[9], [1], [2]], merge: { start: 1 }, expected: [1.5] },
  "lawa: the latest two": { models: [[9], [1], [2]], merge: { k: 2 }, expected: [1.5] },
  "lawa: all that there are": { models: [[9], [1], [2]], expected: [4] },
  "task_arithmetic: λ = 0.4": { models, base, merge: { lambda: 0.4 }, expected: [0.8, -0.2, -1, 1.2, 0, 0.58] },
  "task_arithmetic: forgetting": { models: [[3, 5]], base: [1, 1], merge: { weight: -1 }, expected: [-1, -3] },
  // Signs +, −, none, −, none, none.
  "ties: three of six": { models, base, merge: { density: 0.5 }, expected: [2, -1.5, -1, -3, 0, 0.5] },
  "ties: sums instead of means": { models, base, merge: { density: 0.5, normalize: false }, expected: [4, -4, -1, -3, 0, 0.5] },
  "ties: weights count in the election": {
    models: [[1], [-2]],
    base: [0],
    each: [{ weight: 3 }, { weight: 1 }],
    expected: [1],
  },
  "ties: a sum of zero elects +": { models: [[1], [-1]], base: [0], expected: [1] },
  "breadcrumbs: without the largest, then three of six": {
    models: [models[0]!],
    base,
    merge: { density: 0.5, gamma: 0.2 },
    expected: [0, 0, -0.5, 4, 0, 0.5],
  },
  "breadcrumbs: no outliers": {
    models: [models[0]!],
    base,
    merge: { density: 0.5, gamma: 0 },
    expected: [3, 0, -1, 4, 0, 0.5],
  },
  // 1/6 of 6 are dropped, 3 stay: [0, −1, .5, 2, …], [−2, 0, 0, 1, 0, .3], [1, 2, −.6, 0, …]; signs −, +, −, +, ., +.
  "breadcrumbs_ties: the same with an election": {
    models,
    base,
    merge: { density: 0.5, gamma: 0.17 },
    expected: [-2, 3, -1.6, 5, 0, 0.8],
  },
  // Variances 0, 4, 1, 4: two of three stay. Energies 4 and 20. At 1 the sum is 0 and the sign +.
  "sce: two of three that vary": {
    models: [
      [1, 2, 3, 0],
      [1, -2, 1, 4],
    ],
    base: [0, 0, 0, 0],
    merge: { select_topk: 0.7 },
    expected: [0, 2, 0, 4],
  },
  // Energies 9 + 1 and 1 + 9.
  "sce: weighted by energy": {
    models: [
      [3, 1],
      [1, 2],
    ],
    base: [0, 0],
    expected: [(10 * 3 + 5 * 1) / 15, (10 * 1 + 5 * 2) / 15],
  },
  "slerp: on the arc": {
    models: models.slice(0, 2),
    merge: { t: 0.25 },
    expected: [1.912184, -0.990843, -0.726044, 4.42117, 0, 0.521499],
    within: 1e-6,
  },
  "slerp: 30° of 90°": {
    models: [
      [1, 0],
      [0, 1],
    ],
    merge: { t: 1 / 3 },
    expected: [Math.sqrt(0.75), 0.5],
  },
  "slerp: on the line where the models are nearly parallel": {
    models: [
      [1, 0],
      [1, 0.001],
    ],
    merge: { t: 0.25 },
    expected: [1, 0.00025],
  },
  "nuslerp: of changes, by weights": {
    models: [
      [2, 1],
      [1, 2],
    ],
    base: [1, 1],
    each: [{ weight: 2 }, { weight: 1 }],
    expected: [1 + Math.sqrt(0.75), 1.5],
  },
  // The rows are at right angles to each other, and parallel.
  "nuslerp: by rows": {
    models: [
      [1, 0, 2, 0],
      [0, 1, 4, 0],
    ],
    shape: [2, 2],
    merge: { nuslerp_flatten: false },
    expected: [half, half, 3, 0],
  },
  "nuslerp: by columns": {
    models: [
      [1, 2, 0, 0],
      [0, 4, 1, 0],
    ],
    shape: [2, 2],
    merge: { nuslerp_flatten: false, nuslerp_row_wise: true },
    expected: [half, 3, half, 0],
  },
  "multislerp: mean direction, mean length": {
    models: [
      [1, 0],
      [0, 3],
    ],
    expected: [2 * half, 2 * half],
    within: 1e-7,
  },
  "karcher: of two, the middle of the arc": {
    models: [
      [1, 0],
      [0, 3],
    ],
    expected: [2 * half, 2 * half],
    within: 1e-7,
  },
  "karcher: of small numbers too": {
    models: [
      [1e-7, 0],
      [0, 3e-7],
    ],
    expected: [2e-7 * half, 2e-7 * half],
    within: 1e-15,
  },
  "karcher: of three axes, the diagonal": {
    models: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
    expected: [1, 1, 1].map((value) => value / Math.sqrt(3)),
    within: 1e-7,
  },
  "model_stock: cos θ = 0.5, t = 2/3": {
    models: [
      [1, 1, 0],
      [1, 0, 1],
    ],
    base: [0, 0, 0],
    expected: [2 / 3, 1 / 3, 1 / 3],
  },
  // Mean cosine 1/3, t = 1 / (1 + 2/3).
  "model_stock: of three": {
    models: [
      [1, 0],
      [1, 0],
      [0, 1],
    ],
    base: [0, 0],
    expected: [0.4, 0.2],
  },
  "model_stock: an angle for each row": {
    models: [
      [1, 0, 1, 0],
      [0, 1, 1, 0],
    ],
    base: [0, 0, 0, 0],
    shape: [2, 2],
    merge: { filter_wise: true },
    expected: [0, 0, 1, 0],
  },
  "nearswap: a step of t at most": {
    models: [[0.05, 1, -1, 0.1]],
    base: [0, 0, 0, 0],
    merge: { t: 0.1 },
    expected: [0.05, 0.1, -0.1, 0.1],
  },
  "ram: alone it stays whole, together it is the mean": {
    models: [
      [1, 0, 2, 0.5],
      [0, 0, 4, -0.5],
    ],
    base: [0, 0, 0, 0],
    expected: [1, 0, 3, 0],
  },
  // Model 1 shares two changes and has one of its own.
  "ramplus_tl: alone it is made larger": {
    models: [
      [1, 0, 2, 0.5],
      [0, 0, 4, -0.5],
    ],
    base: [0, 0, 0, 0],
    merge: { r: 0.5, alpha: 4 },
    expected: [2, 0, 3, 0],
  },
  "ramplus_tl: not more than 1 + r α": {
    models: [
      [1, 0, 2, 0.5],
      [0, 0, 4, -0.5],
    ],
    base: [0, 0, 0, 0],
    expected: [1.02, 0, 3, 0],
  },
  "fisher: the floor is the plain mean where all are below": {
    models: [
      [1, 2, 3],
      [5, 6, 8],
    ],
    statistics: [
      [1, 0, 4],
      [3, 0, 1],
    ],
    merge: { normalize: false, favor_target_model: false },
    expected: [4, 4, 4],
  },
  "fisher: the first model wins where nobody knows": {
    models: [
      [1, 2, 3],
      [5, 6, 8],
    ],
    statistics: [
      [1, 0, 4],
      [3, 0, 1],
    ],
    merge: { normalize: false },
    expected: [4, 2, 4],
  },
  // Norms 5 and 2.
  "fisher: information of norm 1": {
    models: [
      [1, 1],
      [2, 2],
    ],
    statistics: [
      [3, 4],
      [0, 2],
    ],
    expected: [1, (0.8 * 1 + 1 * 2) / 1.8],
  },
  // X_1 = [[1,0],[0,1],[1,1]], X_2 = [[2,0],[0,1]]: XᵀX over the number of rows.
  "regmean: α = 1": {
    models: [
      [1, 2],
      [3, -1],
    ],
    statistics: [
      [2 / 3, 1 / 3, 1 / 3, 2 / 3],
      [2, 0, 0, 0.5],
    ],
    shape: [1, 2],
    merge: { alpha: 1, ridge: 0 },
    expected: [2.722222, 0.222222],
    within: 1e-6,
  },
  "regmean: α = 0.9": {
    models: [
      [1, 2],
      [3, -1],
    ],
    statistics: [
      [2 / 3, 1 / 3, 1 / 3, 2 / 3],
      [2, 0, 0, 0.5],
    ],
    shape: [1, 2],
    expected: [2.693637, 0.278779],
    within: 1e-6,
  },
  "regmean: inputs that nobody has seen are the mean": {
    models: [
      [1, 2],
      [3, -1],
    ],
    statistics: [
      [1, 0, 0, 0],
      [3, 0, 0, 0],
    ],
    shape: [1, 2],
    expected: [2.5, 0.5],
    within: 1e-6,
  },
  "median: of three": { models: [[1], [100], [2]], expected: [2] },
  "median: of four": { models: [[1], [100], [2], [3]], expected: [2.5] },
  "trimmed_mean: one at each end of five": { models: [[1], [100], [2], [3], [-100]], expected: [2] },
  "trimmed_mean: rounded down, none of four": { models: [[1], [2], [3], [6]], expected: [3] },
  // The Fermat point of a right-angled triangle.
  "geometric_median: all angles are 120°": {
    models: [
      [0, 0],
      [1, 0],
      [0, 1],
    ],
    expected: [(3 - Math.sqrt(3)) / 6, (3 - Math.sqrt(3)) / 6],
    within: 1e-8,
  },
  "geometric_median: where more than half of the weight is": {
    models: [
      [1, 1],
      [1e6, 0],
      [0, 7],
    ],
    base: [0, 0],
    each: [{ weight: 3 }, { weight: 1 }, { weight: 1 }],
    expected: [1, 1],
    within: 1e-3,
  },
  "geometric_mean: 0 where signs differ": {
    models: [
      [1, -1, 1, 0],
      [4, -9, -1, 1],
    ],
    expected: [2, -3, 0, 0],
  },
  "geometric_mean: weighted": { models: [[1], [8]], each: [{ weight: 2 }, { weight: 1 }], expected: [2] },
  "max_abs: 0 where signs differ": {
    models: [
      [1, -1, 1],
      [4, -9, -1],
    ],
    expected: [4, -9, 0],
  },
  "min_abs: 0 where signs differ": {
    models: [
      [1, -1, 1],
      [4, -9, -1],
    ],
    expected: [1, -1, 0],
  },
  "fusing: a range of 0 is the mean": { models, merge: { range: 0 }, expected: [2 / 3, 0, -1, 4 / 3, 0, 17 / 30] },
  "dare_linear: nothing is dropped": { models, base, expected: [2, -2, -1, 0, 0, 0.7] },
  "della_linear: nothing stays": { models, base, merge: { density: 0 }, expected: base },
};

for (const [title, vector] of Object.entries(vectors)) {
  test(title, () => {
    const method = methodNamed(title.split(":", 1)[0]!)!;
    const { merge = {}, each = [], shape = [vector.expected.length], within = 1e-12 } = vector;
    const tensor: TensorInMemory = {
      name: "w",
      shape,
      models: vector.models.map((values) => Float64Array.from(values)),
      ...(vector.base === undefined ? {} : { base: Float64Array.from(vector.base) }),
      ...(vector.statistics === undefined ? {} : { statistics: vector.statistics.map((values) => Float64Array.from(values)) }),
      parameters: { merge, models: each },
    };
    const [made] = runMethodInMemory(method, [tensor]);
    for (const [i, value] of vector.expected.entries()) {
      assert.ok(Math.abs(made![i]! - value) <= within, `${title}: number ${i} is ${made![i]} instead of ${value}`);
    }
  });
}

/** The paper trims the whole model: three of six over both tensors; equal ones at the end all stay. */
test("ties: over the whole model", () => {
  const tensors = [
    [0, 3],
    [3, 6],
  ].map(([from, to], i) => ({
    name: `w${i}`,
    shape: [3],
    models: models.map((values) => Float64Array.from(values.slice(from, to))),
    base: Float64Array.from(base.slice(from, to)),
    parameters: { merge: { density: 0.5, whole_model: true } },
  }));
  const made = runMethodInMemory(methodNamed("ties")!, tensors).flatMap((values) => [...values]);
  assert.deepEqual(made, [2, -1.5, -1, -3, 0, 0.5]);
});
