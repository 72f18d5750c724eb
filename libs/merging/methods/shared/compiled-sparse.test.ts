import assert from "node:assert/strict";
import { test } from "node:test";
import { uniform } from "#libs/deterministic";
import { loadKernels } from "#libs/kernels";
import type { Method, Range } from "../../method.ts";
import { breadcrumbs } from "../breadcrumbs.ts";
import { dareLinear } from "../dare-linear.ts";
import { dareTies } from "../dare-ties.ts";
import { ties } from "../ties.ts";

const COUNT = 5003;
const MODELS = 5;

type Values = { readonly [name: string]: number | boolean };

const cases: readonly [Method, Values, Values][] = [
  [dareLinear, { normalize: false, lambda: 0.7, rescale: true, match_l1: false }, { weight: 0.3, density: 0.4 }],
  [dareLinear, { normalize: true, lambda: 1, rescale: true, match_l1: true }, { weight: 0.3, density: 0.4 }],
  [dareTies, { normalize: false, lambda: 1, rescale: true, match_l1: false }, { weight: -0.3, density: 1 }],
  [ties, { normalize: true, lambda: 1, rescale: false, whole_model: false }, { weight: 1, density: 0.5 }],
  [ties, { normalize: false, lambda: 1, rescale: true, whole_model: true }, { weight: 0.5, density: 0.1 }],
  [breadcrumbs, { normalize: false, lambda: 1, rescale: false }, { weight: 0.5, density: 0.7, gamma: 0.1 }],
];

for (const [method, merge, each] of cases) {
  test(`${method.name} ${JSON.stringify(merge)}: the kernels make the same bits`, () => {
    const kernels = loadKernels();
    const columns = Array.from({ length: MODELS + 1 }, () => kernels.allocate(4 * COUNT));
    const out = kernels.allocate(8 * COUNT);
    const values = columns.map((address, k) => kernels.float32(address, COUNT).map((_, i) => coarse(k, i)));
    for (const [k, address] of columns.entries()) kernels.float32(address, COUNT).set(values[k]!);
    const program = method.program({
      name: "weight",
      // Longer than a block, so that its reductions are told apart from what applies them.
      shape: [100_000],
      models: MODELS,
      hasBase: true,
      seed: 3,
      digests: Array.from({ length: MODELS }, (_, k) => `digest ${k}`),
      parameters: { merge, models: Array.from({ length: MODELS }, (_, k) => ({ ...each, density: Number(each["density"]) - k / 100 })) },
    });
    assert.ok(program.kind === "ranges");
    const plain: Range = { first: 65536, count: COUNT, models: values.slice(0, MODELS), base: values[MODELS]! };
    const views = columns.map((address) => kernels.float32(address, COUNT));
    const inMemory: Range = { ...plain, models: views.slice(0, MODELS), base: views[MODELS]!, kernels };
    const results: unknown[] = [];
    for (const reduction of program.reductions) {
      if (reduction.order === "blocks") {
        const block = reduction.block(plain, results);
        assert.deepEqual(reduction.block(inMemory, results), block);
        results.push(reduction.finish(block as never));
      } else {
        const state = reduction.start() as never;
        if (reduction.needed?.(results) !== false) reduction.add(state, plain, results);
        results.push(reduction.finish(state));
      }
    }
    const expected = new Float64Array(COUNT);
    program.apply(plain, results, expected);
    program.apply(inMemory, results, kernels.float64(out, COUNT).fill(0));
    assert.deepEqual(new Uint8Array(kernels.bytes(out, 8 * COUNT)), new Uint8Array(expected.buffer));
  });
}

/** Few different numbers, so that many are equal where a selection ends. */
function coarse(model: number, index: number): number {
  return (Math.floor(uniform(model, index) * 41) - 20) / 64;
}
