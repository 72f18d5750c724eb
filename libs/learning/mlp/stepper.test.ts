import assert from "node:assert/strict";
import { test } from "node:test";
import type { TrainingParameters } from "#libs/recipes";
import { type Backend, initialWeights, openBackend, predict, score } from "../index.ts";
import { blobs, smallParameters } from "../testing/examples.ts";
import { fillBatch } from "./batches.ts";
import { flatten, layoutOf, unflatten } from "./layout.ts";
import { createStepper } from "./stepper.ts";

const HIDDEN = [7, 5];
const layout = layoutOf(10, HIDDEN, 4);
const datasets = [blobs(1, 40, 4, 10), blobs(2, 30, 4, 10)];

/** The gradient that a stepper computes, and the loss of its batch computed by another way: predict and score. */
function oneStep(backend: Backend, changes: Partial<TrainingParameters>) {
  const parameters = smallParameters(changes);
  const start = flatten(initialWeights({ features: 10, hidden: HIDDEN, classes: 4, initSeed: 9 }), layout);
  using workspace = backend.workspace();
  const zeros = () => new Float32Array(layout.size);
  const state = { parameters: start, firstMoment: zeros(), secondMoment: zeros() };
  const stepper = createStepper(workspace, layout, state, { ...parameters, datasets, seed: 5 });
  const loss = stepper.step(1);
  const images = new Float32Array(2 * parameters.batch * 10);
  const labels = new Int32Array(2 * parameters.batch);
  fillBatch({ seed: 5, step: 1, perDataset: parameters.batch }, datasets, images, labels);
  const lossAt = (at: Float32Array) => score(predict(backend, unflatten(at, layout), images), labels).loss;
  return { loss, lossAt, start, gradient: stepper.gradient().slice(), after: stepper.state().parameters.slice() };
}

for (const name of ["cpu", "wasm"] as const) {
  test(`the gradient is the slope of the loss, on ${name}`, async () => {
    const { loss, lossAt, start, gradient } = oneStep(await openBackend(name), { dropout: 0 });
    assert.ok(Math.abs(loss - lossAt(start)) < 1e-6);
    const h = 1e-3;
    let largest = 0;
    for (let i = 0; i < layout.size; i += 1) {
      const moved = (by: number) => lossAt(start.map((value, k) => (k === i ? value + by : value)));
      const slope = (moved(h) - moved(-h)) / (2 * h);
      largest = Math.max(largest, Math.abs(slope));
      // The quotient itself is off by O(h²), by kinks of ReLU within h, and by the rounding of 32-bit logits.
      assert.ok(Math.abs(slope - gradient[i]!) < 5e-4, `parameter ${i}: slope ${slope}, gradient ${gradient[i]}`);
    }
    assert.ok(largest > 0.05);
  });
}

test("wasm and cpu agree on a step with dropout", async () => {
  const [cpu, wasm] = [oneStep(await openBackend("cpu"), { dropout: 0.5 }), oneStep(await openBackend("wasm"), { dropout: 0.5 })];
  assert.ok(Math.abs(cpu.loss - wasm.loss) < 1e-6);
  cpu.gradient.forEach((value, i) => {
    assert.ok(Math.abs(value - wasm.gradient[i]!) < 1e-6, `gradient ${i}: ${value} on cpu, ${wasm.gradient[i]} on wasm`);
  });
});

test("the first step of Adam moves every parameter by the learning rate against its gradient", async () => {
  const { start, gradient, after } = oneStep(await openBackend("wasm"), { dropout: 0, weightDecay: 0, learningRate: 1e-3 });
  gradient.forEach((g, i) => {
    // m/(1-b1) = g and sqrt(v/(1-b2)) = |g| after one step, so the move is lr·g/(|g| + 1e-8).
    const expected = start[i]! - (1e-3 * g) / (Math.abs(g) + 1e-8);
    assert.ok(Math.abs(after[i]! - expected) < 2e-7, `parameter ${i}: ${after[i]}, expected ${expected}`);
  });
});

test("weight decay adds its share of the weight to the gradient", async () => {
  const backend = await openBackend("wasm");
  const plain = oneStep(backend, { dropout: 0, weightDecay: 0, learningRate: 1e-3 });
  const decayed = oneStep(backend, { dropout: 0, weightDecay: 10, learningRate: 1e-3 });
  plain.gradient.forEach((g, i) => {
    const total = g + 10 * plain.start[i]!;
    const expected = plain.start[i]! - (1e-3 * total) / (Math.abs(total) + 1e-8);
    assert.ok(Math.abs(decayed.after[i]! - expected) < 2e-7, `parameter ${i}: ${decayed.after[i]}, expected ${expected}`);
  });
});

test("a step leaves as many tensors as it found, and the memory does not grow", async () => {
  for (const name of ["wasm", "cpu"] as const) {
    const backend = await openBackend(name);
    const before = backend.matrices;
    {
      using workspace = backend.workspace();
      const zeros = () => new Float32Array(layout.size);
      const state = { parameters: zeros(), firstMoment: zeros(), secondMoment: zeros() };
      const stepper = createStepper(workspace, layout, state, { ...smallParameters(), datasets, seed: 5 });
      stepper.step(1);
      const during = backend.matrices;
      const memory = stepper.state().parameters.buffer;
      for (let step = 2; step <= 300; step += 1) stepper.step(step);
      assert.equal(backend.matrices, during);
      assert.equal(stepper.state().parameters.buffer, memory);
    }
    assert.equal(backend.matrices, before);
  }
});
