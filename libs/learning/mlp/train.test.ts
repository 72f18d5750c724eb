import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { writeSafetensors } from "#libs/tensors";
import {
  type Checkpoint,
  decodeCheckpoint,
  featurizerOf,
  initialWeights,
  NonFiniteLossError,
  openBackend,
  predict,
  savedState,
  score,
} from "../index.ts";
import { blobs, digestOfWeights, finish, smallTraining } from "../testing/examples.ts";

const wasm = await openBackend("wasm");

function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { tensors, metadata } = savedState(checkpoint);
  return writeSafetensors(tensors, metadata);
}

test("the loss falls and the network learns what is learnable", async () => {
  const training = smallTraining(wasm, { steps: 400, dropout: 0, weightDecay: 0 });
  const { weights, summary, curve } = await finish(training);
  assert.ok(curve.loss[0]!.loss > 1);
  assert.ok(curve.loss.at(-1)!.loss < 0.2, `the last loss is ${curve.loss.at(-1)!.loss}`);
  assert.ok(summary.validationAccuracy! > 0.95);
  const fresh = blobs(77, 200, 4, 10);
  assert.ok(score(predict(wasm, weights, fresh.images), fresh.labels).correct > 180);
});

for (const dropout of [0, 0.5]) {
  for (const train of ["all", "head"] as const) {
    test(`a training of ${train} layers with dropout ${dropout}, resumed from any step, gives the same bytes`, async () => {
      const training = smallTraining(wasm, { dropout, train });
      const checkpoints: Uint8Array[] = [];
      const whole = await finish(training, (step) => checkpoints.push(encodeCheckpoint(step.checkpoint())));
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 39 }), async (stop, further) => {
          const again = Math.min(40, stop + further);
          let second: Uint8Array | undefined;
          const first = decodeCheckpoint(checkpoints[stop - 1]!);
          await finish({ ...training, checkpoint: first }, (step) => {
            if (step.step === again) second = encodeCheckpoint(step.checkpoint());
          });
          if (again > stop) assert.deepEqual(second, checkpoints[again - 1]);
          const resumed = await finish({ ...training, checkpoint: decodeCheckpoint(second ?? checkpoints[stop - 1]!) });
          assert.equal(digestOfWeights(resumed.weights), digestOfWeights(whole.weights));
          assert.deepEqual(resumed.summary, whole.summary);
          assert.deepEqual(resumed.curve, whole.curve);
        }),
        { numRuns: 15 },
      );
    });
  }
}

test("two trainings at once do not disturb each other", async () => {
  const alone = await finish(smallTraining(wasm));
  const [a, b] = await Promise.all([finish(smallTraining(wasm)), finish(smallTraining(wasm, { learningRate: 1e-3 }))]);
  assert.equal(digestOfWeights(a.weights), digestOfWeights(alone.weights));
  assert.notEqual(digestOfWeights(b.weights), digestOfWeights(alone.weights));
});

test("the best weights are those of the earliest step with the best mean validation accuracy", async () => {
  const { summary, curve, weights } = await finish(smallTraining(wasm, { steps: 60, learningRate: 2e-2 }));
  const best = Math.max(...curve.validation.map(({ accuracy }) => accuracy));
  assert.equal(summary.validationAccuracy, best);
  assert.equal(summary.bestStep, curve.validation.find(({ accuracy }) => accuracy === best)?.step);
  assert.deepEqual(
    curve.validation.map(({ step }) => step),
    [7, 14, 21, 28, 35, 42, 49, 56, 60],
  );
  // The mean over data sets of the accuracy on the first fifth of each, measured by another way.
  const { datasets } = smallTraining(wasm);
  const accuracies = datasets.map(({ images, labels, count, features }) => {
    const held = Math.floor(0.2 * count);
    return score(predict(wasm, weights, images.subarray(0, held * features)), labels.subarray(0, held)).correct / held;
  });
  assert.equal((accuracies[0]! + accuracies[1]!) / 2, best);
});

test("the last weights are kept where the recipe says so", async () => {
  const best = await finish(smallTraining(wasm, { steps: 60, learningRate: 2e-2 }));
  const last = await finish(smallTraining(wasm, { steps: 60, learningRate: 2e-2, keep: "last" }));
  assert.equal(last.summary.bestStep, 60);
  assert.equal(last.summary.validationAccuracy, last.curve.validation.at(-1)?.accuracy);
  assert.notEqual(best.summary.bestStep, 60);
  assert.notEqual(digestOfWeights(last.weights), digestOfWeights(best.weights));
});

test("validation rows are never trained on, also where nothing is validated", async () => {
  const training = smallTraining(wasm, { validateEvery: 0, keep: "last" });
  const spoilt = training.datasets.map((data) => {
    const images = data.images.slice();
    images.fill(1e6, 0, Math.floor(0.2 * data.count) * data.features);
    return { ...data, images };
  });
  const [clean, changed] = [await finish(training), await finish({ ...training, datasets: spoilt })];
  assert.equal(digestOfWeights(changed.weights), digestOfWeights(clean.weights));
  assert.equal(clean.summary.validationAccuracy, undefined);
});

test("training the head leaves the featurizer as it was", async () => {
  const training = smallTraining(wasm, { train: "head", steps: 300, learningRate: 2e-2 });
  const { weights, summary } = await finish(training);
  assert.equal(digestOfWeights(featurizerOf(weights)), digestOfWeights(featurizerOf(training.weights)));
  assert.notEqual(digestOfWeights(weights), digestOfWeights(training.weights));
  assert.ok(summary.validationAccuracy! > 0.5);
});

test("a loss that is not finite ends the training with step and learning rate", async () => {
  const error: unknown = await finish(smallTraining(wasm, { learningRate: 1e30, dropout: 0 })).catch((thrown: unknown) => thrown);
  assert.ok(error instanceof NonFiniteLossError, String(error));
  assert.equal(error.learningRate, 1e30);
  assert.ok(error.step >= 2);
  assert.match(error.message, /step \d+ with learning rate 1e\+30/);
});

test("a training gives way to the event loop, so that a timer can stop it", async () => {
  const signal = AbortSignal.timeout(100);
  // Some seconds of steps: a training that never gave way would come to its end.
  const training = { ...smallTraining(wasm, { steps: 200_000, validateEvery: 0, keep: "last" }), signal };
  await assert.rejects(finish(training), { name: "TimeoutError" });
});

test("an aborted training throws the reason and leaves nothing", async () => {
  const controller = new AbortController();
  const before = wasm.matrices;
  const training = { ...smallTraining(wasm), signal: controller.signal };
  await assert.rejects(
    finish(training, ({ step }) => {
      if (step === 3) controller.abort(new Error("enough"));
    }),
    /enough/,
  );
  assert.equal(wasm.matrices, before);
});

const data = smallTraining(wasm).datasets;
const wrong: { title: string; changes: Parameters<typeof smallTraining>[1]; replace?: object; message: RegExp }[] = [
  { title: "no data", changes: {}, replace: { datasets: [] }, message: /at least one data set/ },
  { title: "a label beyond the classes", changes: { classes: 3 }, message: /label 3, the head has 3 classes/ },
  { title: "best without validation", changes: { validateEvery: 0 }, message: /validateEvery/ },
  { title: "nothing to validate on", changes: { validationFraction: 0.01 }, message: /Data set 0: 0\.01 of 60 rows/ },
  {
    title: "data of another width",
    changes: {},
    replace: { datasets: [data[0], blobs(1, 30, 4, 9)] },
    message: /Data set 1 has 9 features/,
  },
  {
    title: "weights of another shape",
    changes: { hidden: [12, 8] },
    replace: { weights: smallTraining(wasm).weights },
    message: /fc2\.weight: expected shape \[8,12\], got \[9,12\]/,
  },
  {
    title: "weights without a head",
    changes: {},
    replace: { weights: featurizerOf(smallTraining(wasm).weights) },
    message: /no tensor head\.weight/,
  },
];
for (const { title, changes, replace, message } of wrong) {
  test(`a training refuses ${title}`, async () => {
    await assert.rejects(finish({ ...smallTraining(wasm, changes), ...replace }), { name: "UnfitInputError", message });
  });
}

test("a checkpoint of another training is refused", async () => {
  const training = smallTraining(wasm);
  let bytes = new Uint8Array();
  await finish(training, (step) => {
    if (step.step === 5) bytes = encodeCheckpoint(step.checkpoint()) as Uint8Array<ArrayBuffer>;
  });
  const checkpoint = decodeCheckpoint(bytes);
  await assert.rejects(finish({ ...training, seed: 12, checkpoint }), /another training: seed 11/);
  const wider = { ...smallTraining(wasm, { hidden: [13, 9] }), checkpoint };
  await assert.rejects(
    finish({ ...wider, weights: initialWeights({ features: 10, hidden: [13, 9], classes: 4, initSeed: 3 }) }),
    /another training/,
  );
  assert.throws(() => decodeCheckpoint(bytes.subarray(0, 200)), { name: "SafetensorsError" });
});
