import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch, BatchSource } from "#libs/batches";
import type { EngineName } from "#libs/engines";
import { initialise, type Network, type NetworkWeights, networkOf } from "#libs/networks";
import type { TrainParameters } from "#libs/recipes";
import { writeSafetensors } from "#libs/tensors";
import { openEngine } from "../engines/open-engine.ts";
import { NonFiniteLossError, UnfitInputError } from "../errors.ts";
import type { SavedState } from "../saved-state.ts";
import { decodeNetworkCheckpoint, NETWORK_CHECKPOINT } from "./checkpoint.ts";
import { predictNetwork } from "./predict-network.ts";
import { type NetworkStep, type NetworkTraining, trainNetwork } from "./train-network.ts";

const network = networkOf("mlp", { classes: 3, channels: 1, size: 4, options: { hidden: [8] } });
const weights = initialise(network, 5);

/** Pictures whose class is where they are light: the same for a step, whatever was asked for before. */
function pictures(step: number, rows = 12): Batch {
  const labels = Int32Array.from({ length: rows }, (_, row) => (row + step) % 3);
  const pixels = new Uint8Array(rows * 16);
  for (let row = 0; row < rows; row += 1)
    for (let i = 0; i < 16; i += 1) pixels[row * 16 + i] = (i % 3 === labels[row] ? 160 : 40) + ((row * 7 + i * 5 + step * 3) % 50);
  return { pixels, labels, rows };
}

function batches(): BatchSource {
  return { batch: async (step) => pictures(step), [Symbol.asyncDispose]: async () => {} };
}

async function* validationPictures() {
  yield pictures(1000);
  yield pictures(1001, 5);
}

const parameters: TrainParameters = {
  network: { name: "mlp" },
  classes: 3,
  domains: ["a", "b"],
  optimiser: { name: "adam", learningRate: 0.01, weightDecay: 1e-4 },
  steps: 40,
  batch: 6,
  transform: { training: "none/1", validation: "none/1" },
};

async function training(
  changes: Partial<TrainParameters> = {},
  rest: Partial<NetworkTraining> = {},
  engine: EngineName = "wasm",
): Promise<NetworkTraining> {
  const validation = [validationPictures, validationPictures];
  return {
    engine: await openEngine(engine),
    network,
    parameters: { ...parameters, ...changes },
    seed: 3,
    weights,
    batches,
    validation,
    ...rest,
  };
}

async function run(options: NetworkTraining) {
  const steps: Omit<NetworkStep, "checkpoint">[] = [];
  const states: SavedState[] = [];
  const loop = trainNetwork(options);
  for (;;) {
    const next = await loop.next();
    if (next.done) return { steps, states, ...next.value };
    const { checkpoint, ...step } = next.value;
    steps.push(step);
    states.push(checkpoint());
  }
}

const numbersOf = (all: NetworkWeights, name: string) => all.get(name)!.data as Float32Array;
const decoded = ({ tensors, metadata }: SavedState) => decodeNetworkCheckpoint(writeSafetensors(tensors, metadata));

for (const engine of ["wasm", "tfjs-node"] satisfies EngineName[])
  test(`a training on ${engine} learns, validates, and leaves no tensor behind`, async () => {
    const options = await training({ validate: { every: 10 }, keep: "best", dropout: 0.1 }, {}, engine);
    const before = options.engine.kernels.count;
    const { steps, summary, curve, weights: trained } = await run(options);
    assert.equal(options.engine.kernels.count, before);
    assert.ok(steps.at(-1)!.loss < 0.5 * steps[0]!.loss, `${steps[0]!.loss} to ${steps.at(-1)!.loss}`);
    assert.deepEqual(
      steps.filter(({ validationAccuracy }) => validationAccuracy !== undefined).map(({ step }) => step),
      [10, 20, 30, 40],
    );
    assert.deepEqual(
      curve.loss.map(({ step }) => step),
      [25, 40],
    );
    assert.equal(summary.validationAccuracy, Math.max(...curve.validation.map(({ accuracy }) => accuracy)));
    assert.equal(summary.bestStep, curve.validation.find(({ accuracy }) => accuracy === summary.validationAccuracy)!.step);
    const logits: number[] = [];
    for await (const some of predictNetwork({ engine: options.engine, network, weights: trained, batches: validationPictures() }))
      logits.push(...some);
    assert.equal(logits.length, 17 * 3);
    assert.equal(options.engine.kernels.count, before);
  });

test("a training that goes on from any checkpoint ends with the same bytes", async () => {
  const options = await training({ validate: { every: 7 }, keep: "best", dropout: 0.3, headOnlySteps: 6, steps: 14 });
  const whole = await run(options);
  assert.deepEqual(new Set(whole.states.map(({ format }) => format)), new Set([NETWORK_CHECKPOINT]));
  for (const at of [1, 5, 6, 7, 13, 19]) {
    const rest = await run({ ...options, checkpoint: decoded(whole.states[at - 1]!) });
    assert.deepEqual(rest.steps, whole.steps.slice(at), `from ${at}`);
    assert.deepEqual([rest.summary, rest.curve, rest.weights], [whole.summary, whole.curve, whole.weights], `from ${at}`);
  }
});

test("the head alone is trained first, then everything with a new Adam", async () => {
  const options = await training({ headOnlySteps: 3, steps: 2 });
  const { states, weights: trained, summary } = await run(options);
  assert.deepEqual(
    states.map((state) => decoded(state).variables.size),
    [2, 2, 2, 4, 4],
  );
  assert.equal(summary.steps, 5);
  const head = decoded(states[2]!).variables;
  assert.deepEqual([...head.keys()].sort(), ["head.bias", "head.weight"]);
  // The first step of a new Adam moves every number by the learning rate, whatever the size of its gradient.
  const moved = decoded(states[3]!).variables;
  const first = moved.get("head.weight")!.parameters.map((x, i) => Math.abs(x - head.get("head.weight")!.parameters[i]!));
  for (const distance of first) assert.ok(Math.abs(distance - 0.01) < 1e-5, String(distance));
  assert.notDeepEqual(numbersOf(trained, "fc1.weight"), numbersOf(weights, "fc1.weight"));
  const { weights: headAlone } = await run(await training({ trainable: "head", steps: 3 }));
  assert.deepEqual(numbersOf(headAlone, "fc1.weight"), numbersOf(weights, "fc1.weight"));
  assert.deepEqual(numbersOf(headAlone, "head.weight"), head.get("head.weight")!.parameters);
});

test("of equally good weights the earliest are kept; dropout depends on the seed", async () => {
  const keep = { validate: { every: 1 }, keep: "best", steps: 60 } as const;
  const { summary, curve } = await run(await training(keep));
  const best = Math.max(...curve.validation.map(({ accuracy }) => accuracy));
  assert.ok(curve.validation.filter(({ accuracy }) => accuracy === best).length > 1);
  assert.equal(summary.bestStep, curve.validation.find(({ accuracy }) => accuracy === best)!.step);
  const losses = async (seed: number) => (await run(await training({ dropout: 0.5, steps: 3 }, { seed }))).steps.map(({ loss }) => loss);
  assert.deepEqual(await losses(1), await losses(1));
  assert.notDeepEqual(await losses(1), await losses(2));
});

test("what makes no sense is said in a sentence, and nothing stays behind", async () => {
  const { kernels } = await openEngine("wasm");
  const before = kernels.count;
  const wrongLabel: BatchSource = { ...batches(), batch: async (step) => ({ ...pictures(step), labels: new Int32Array(12).fill(3) }) };
  const small: BatchSource = { ...batches(), batch: async (step) => ({ ...pictures(step), pixels: new Uint8Array(5) }) };
  const [state] = (await run(await training({ steps: 1 }))).states;
  const cases: [Promise<NetworkTraining>, new (...args: never[]) => Error, RegExp][] = [
    [training({ keep: "best" }), UnfitInputError, /parameters\.validate: keeping the best weights needs validation/],
    [training({ validate: { every: 1 } }, { validation: [] }), UnfitInputError, /parameters\.validate: there are no images/],
    [training({ validate: { every: 1 } }, { validation: [async function* () {}] }), UnfitInputError, /no domain has any/],
    [training({}, { batches: () => wrongLabel }), UnfitInputError, /The data has label 3, the head has 3 classes/],
    [training({}, { batches: () => small }), UnfitInputError, /12 images has 5 bytes; they have 4 × 4 pixels of 1/],
    [training({ optimiser: { name: "adam", learningRate: 1e38 } }), NonFiniteLossError, /not finite at step \d+ with learning rate 1e\+38/],
    [training({}, { seed: 4, checkpoint: decoded(state!) }), RangeError, /belongs to another training: seed 3, not 4/],
    [training({ trainable: "head" }, { checkpoint: decoded(state!) }), RangeError, /it trains 4, not 2 tensors/],
    [training({}, { signal: AbortSignal.abort(new Error("enough")) }), Error, /enough/],
  ];
  for (const [options, kind, message] of cases)
    await assert.rejects(run(await options), (error) => error instanceof kind && message.test(error.message), String(message));
  assert.equal(kernels.count, before);
});

test("a training that is aborted within a step leaves nothing behind", async () => {
  const controller = new AbortController();
  const convolutions: Network = networkOf("mnist-cnn", { classes: 3, channels: 1, size: 28 });
  const source: BatchSource = {
    batch: async () => ({ pixels: new Uint8Array(8 * 784).fill(100), labels: new Int32Array(8), rows: 8 }),
    [Symbol.asyncDispose]: async () => {},
  };
  const options = await training(
    {},
    { network: convolutions, weights: initialise(convolutions, 1), batches: () => source, signal: controller.signal },
  );
  const before = options.engine.kernels.count;
  const stopped = run(options);
  setTimeout(() => controller.abort(new Error("stopped")), 1);
  await assert.rejects(stopped, { message: "stopped" });
  assert.equal(options.engine.kernels.count, before);
});

test("a training or a prediction with short steps, whose pictures are at hand, can be stopped between them", async () => {
  async function* many() {
    for (let step = 0; step < 100_000; step += 1) yield pictures(step);
  }
  const options = await training({ steps: 100_000, validate: { every: 2 } }, { signal: AbortSignal.timeout(100) });
  const trained = Array.fromAsync(trainNetwork(options), ({ step }) => step);
  await assert.rejects(trained, { name: "TimeoutError" });
  const predicted = predictNetwork({ ...options, batches: many(), signal: AbortSignal.timeout(100) });
  await assert.rejects(Array.fromAsync(predicted), { name: "TimeoutError" });
});

test("the numbers of a checkpoint are its own: when they are handed over, the training goes on and keeps the best weights", async () => {
  const options = await training({ keep: "best", validate: { every: 5 } });
  const { weights: kept } = await run(options);
  const loop = trainNetwork(await training({ keep: "best", validate: { every: 5 } }));
  for (;;) {
    const next = await loop.next();
    if (!next.done) structuredClone(null, { transfer: next.value.checkpoint().tensors.map(({ data }) => data.buffer as ArrayBuffer) });
    else return assert.deepEqual(next.value.weights, kept);
  }
});

test("bytes that are no checkpoint of a network are refused", () => {
  assert.throws(
    () => decodeNetworkCheckpoint(writeSafetensors([], { format: "other" })),
    /Expected a checkpoint of format ratatouille-network-checkpoint\/1, got other/,
  );
});
