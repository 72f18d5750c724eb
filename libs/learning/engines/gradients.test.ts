import assert from "node:assert/strict";
import { test } from "node:test";
import { finish } from "#libs/concurrency";
import type { EngineName } from "#libs/engines";
import type { Network, NetworkTensor, Op, TensorSpec } from "#libs/networks";
import { UnfitInputError } from "../errors.ts";
import { crossEntropy } from "./cross-entropy.ts";
import type { Engine } from "./kernels.ts";
import { createModel } from "./network/model.ts";
import { gradientPass } from "./network/passes.ts";
import { planOf } from "./network/plan.ts";
import { openEngine } from "./open-engine.ts";

const weight = (name: string, ...shape: number[]): TensorSpec => ({
  name,
  shape,
  dtype: "F32",
  role: "weight",
  init: { kind: "constant", value: 0 },
});
const buffer = (name: string, ...shape: number[]): TensorSpec => ({ ...weight(name, ...shape), role: "buffer" });

function network(graph: readonly Op[], tensors: readonly TensorSpec[], channels: number, size: number): Network {
  const input = { channels, height: size, width: size, mean: [], deviation: [] };
  return { name: "small", library: "ratatouille", classes: 3, input, options: {}, tensors, head: [], graph };
}

/** Every operation on pictures: strides, paddings, depthwise filters with several outputs, normalisations alone and after convolutions. */
const pictures = network(
  [
    { op: "conv2d", from: -1, weight: "a", bias: "a.bias", stride: 1, padding: 1, groups: 1 },
    { op: "relu", from: 0 },
    { op: "group-norm", from: 1, weight: "n", bias: "n.bias", groups: 2, epsilon: 1e-5 },
    { op: "conv2d", from: 2, weight: "b", stride: 2, padding: 1, groups: 1 },
    { op: "batch-norm", from: 3, weight: "m", bias: "m.bias", mean: "m.mean", variance: "m.variance", epsilon: 1e-3 },
    { op: "relu6", from: 4 },
    { op: "conv2d", from: 5, weight: "c", stride: 2, padding: "same", groups: 4 },
    { op: "batch-norm", from: 6, weight: "o", bias: "o.bias", mean: "o.mean", variance: "o.variance", epsilon: 1e-3 },
    { op: "add", from: 7, other: 7 },
    { op: "gelu", from: 8 },
    { op: "batch-norm", from: 9, weight: "o", bias: "o.bias", mean: "o.mean", variance: "o.variance", epsilon: 1e-3 },
    { op: "max-pool", from: 10, kernel: 3, stride: 2, padding: 1 },
    { op: "scale", from: 11, weight: "s" },
    { op: "layer-norm", from: 12, weight: "s", bias: "o.bias", epsilon: 1e-6 },
    { op: "flatten", from: 13 },
    { op: "linear", from: 14, weight: "head", bias: "head.bias" },
  ],
  [
    ...[weight("a", 4, 2, 3, 3), weight("a.bias", 4), weight("n", 4), weight("n.bias", 4), weight("b", 4, 4, 3, 3)],
    ...[weight("m", 4), weight("m.bias", 4), buffer("m.mean", 4), buffer("m.variance", 4), weight("c", 8, 1, 3, 3)],
    ...[weight("o", 8), weight("o.bias", 8), buffer("o.mean", 8), buffer("o.variance", 8), weight("s", 8)],
    ...[weight("head", 3, 8), weight("head.bias", 3)],
  ],
  2,
  7,
);

/** Every operation on tokens. */
const tokens = network(
  [
    { op: "conv2d", from: -1, weight: "a", bias: "a.bias", stride: 2, padding: 0, groups: 1 },
    { op: "tokens", from: 0 },
    { op: "class-token", from: 1, weight: "class" },
    { op: "positions", from: 2, weight: "positions" },
    { op: "layer-norm", from: 3, weight: "n", bias: "n.bias", epsilon: 1e-6 },
    { op: "linear", from: 4, weight: "qkv", bias: "qkv.bias" },
    { op: "attention", from: 5, heads: 2 },
    { op: "add", from: 3, other: 6 },
    { op: "take-token", from: 7, index: 0 },
    { op: "dropout", from: 8 },
    { op: "linear", from: 9, weight: "head", bias: "head.bias" },
  ],
  [
    ...[
      weight("a", 4, 2, 2, 2),
      weight("a.bias", 4),
      weight("class", 1, 1, 4),
      weight("positions", 1, 5, 4),
      weight("n", 4),
      weight("n.bias", 4),
    ],
    ...[weight("qkv", 12, 4), weight("qkv.bias", 12), weight("head", 3, 4), weight("head.bias", 3)],
  ],
  2,
  4,
);

/** Numbers without pattern. */
const number = (i: number, k: number) => Math.sin(1 + 12.9898 * i + 78.233 * k);

function weightsOf({ tensors }: Network) {
  return new Map(
    tensors.map(({ name, shape }, k): [string, NetworkTensor] => {
      const size = shape.reduce((product, length) => product * length, 1);
      const around = /variance|^[mno]$|^s$/.test(name) ? 1 : 0;
      return [name, { shape, dtype: "F32", data: Float32Array.from({ length: size }, (_, i) => around + 0.5 * number(i, k)) }];
    }),
  );
}

const COUNT = 2;
const LABELS = Int32Array.of(2, 0);

function lossAndGradients({ kernels }: Engine, small: Network, change?: { name: string; index: number; by: number }) {
  const weights = weightsOf(small);
  if (change) (weights.get(change.name)!.data as Float32Array)[change.index]! += change.by;
  const { channels, height } = small.input;
  const before = kernels.count;
  const model = createModel(kernels, small, weights, { trains: () => true });
  const pass = model.openPass();
  let loss = 0;
  const shape = [COUNT, height, height, channels];
  const size = shape.reduce((product, length) => product * length, 1);
  const input = kernels.tensor(
    Float32Array.from({ length: size }, (_, i) => number(i, 99)),
    shape,
  );
  const steps = gradientPass(pass, planOf(small), input, (logits) => {
    const result = crossEntropy(logits, LABELS);
    loss = result.loss;
    return result.gradient;
  });
  const tensors = finish(steps);
  const gradients = new Map([...tensors].map(([name, gradient]) => [name, kernels.numbers(gradient)]));
  for (const gradient of tensors.values()) kernels.dispose(gradient);
  pass.close();
  const inLayout = model.weights(gradients);
  model[Symbol.dispose]();
  assert.equal(kernels.count, before);
  return { loss, gradient: (name: string) => inLayout.get(name)!.data as Float32Array };
}

for (const [what, small] of Object.entries({ pictures, tokens })) {
  const trained = small.tensors.filter(({ role }) => role === "weight").map(({ name }) => name);

  test(`gradients of every operation on ${what} are those of differences`, async () => {
    const engine = await openEngine("cpu");
    const { gradient } = lossAndGradients(engine, small);
    for (const name of trained)
      for (const index of new Set([0, gradient(name).length - 1])) {
        const by = 2e-3;
        const [up, down] = [by, -by].map((step) => lossAndGradients(engine, small, { name, index, by: step }).loss);
        const slope = (up! - down!) / (2 * by);
        assert.ok(Math.abs(slope - gradient(name)[index]!) < 2e-3, `${name}[${index}]: ${gradient(name)[index]}, by differences ${slope}`);
      }
  });

  for (const name of ["wasm", "tfjs-node"] satisfies EngineName[])
    test(`${name} has the gradients of plain JavaScript on ${what}`, async () => {
      const [expected, found] = [lossAndGradients(await openEngine("cpu"), small), lossAndGradients(await openEngine(name), small)];
      assert.ok(Math.abs(found.loss - expected.loss) < 1e-5);
      for (const tensor of trained) {
        const [a, b] = [expected.gradient(tensor), found.gradient(tensor)];
        for (const [i, x] of a.entries()) assert.ok(Math.abs(x - b[i]!) < 1e-5, `${tensor}[${i}]: ${b[i]}, not ${x}`);
      }
    });
}

test("weights that do not fit a network are refused by name", async () => {
  const { kernels } = await openEngine("cpu");
  const cases = [
    [new Map([...weightsOf(tokens)].filter(([name]) => name !== "qkv")), /no tensor qkv/],
    [
      new Map([...weightsOf(tokens), ["n", { shape: [5], dtype: "F32", data: new Float32Array(5) } as const]]),
      /n: expected shape \[4\], got \[5\]/,
    ],
    [
      new Map([...weightsOf(tokens), ["n", { shape: [4], dtype: "F32", data: new Float32Array(4).fill(Number.NaN) } as const]]),
      /n has a number that is not finite/,
    ],
  ] as const;
  const before = kernels.count;
  for (const [weights, message] of cases)
    assert.throws(
      () => createModel(kernels, tokens, weights, { trains: () => true }),
      (error) => error instanceof UnfitInputError && message.test(error.message),
    );
  assert.equal(kernels.count, before);
});

test("an operation in groups of several channels is refused", () => {
  const grouped = network([{ op: "conv2d", from: -1, weight: "a", stride: 1, padding: 1, groups: 2 }], [weight("a", 4, 2, 3, 3)], 4, 4);
  assert.throws(() => planOf(grouped), { name: "UnfitInputError", message: /a: convolutions in 2 groups of 2 channels are not supported/ });
});
