import assert from "node:assert/strict";
import { test } from "node:test";
import { arithmetics, type Digest, digestOf, type Json, type Recipe } from "#libs/recipes";
import { estimateNeeds, isUnknownNetwork, trainable } from "./estimate.ts";

const dataset: Digest = digestOf("data");

function pretraining(changes: { hidden?: readonly number[]; batch?: number; datasets?: number } = {}): Recipe {
  const { hidden = [64, 32], batch = 16, datasets = 1 } = changes;
  const training = { architecture: "mlp", hidden, classes: 6, steps: 60, batch, learningRate: 1, weightDecay: 0, dropout: 0 };
  const parameters = { ...training, train: "all", keep: "best", validationFraction: 0.2, validateEvery: 20, initSeed: 3 };
  const inputs = { datasets: Array.from({ length: datasets }, () => dataset) };
  return { kind: "pretrain", inputs, seed: 7, arithmetic: arithmetics.wasm, parameters } as Recipe;
}

test("a small training fits the smallest class, and computes on the backend of its arithmetic", () => {
  const { needs } = estimateNeeds(pretraining());
  assert.deepEqual([needs.device, needs.backend], ["cpu", "wasm"]);
  assert.ok(needs.memoryMib > 512 && needs.memoryMib <= 1024, `${needs.memoryMib}`);
});

test("wider layers, larger batches and more data sets need more, and what asks for most is named", () => {
  const of = (changes: Parameters<typeof pretraining>[0]) => estimateNeeds(pretraining(changes));
  // 256 x 4096 + 4096 x 4096 + ... parameters, 14 numbers of 4 bytes for each.
  const wide = of({ hidden: [4096, 4096] });
  const parameters = 257 * 4096 + 4097 * 4096 + 4097 * 6;
  assert.ok(wide.needs.memoryMib * 2 ** 20 > 14 * 4 * parameters && wide.needs.memoryMib < 2048, `${wide.needs.memoryMib}`);
  assert.equal(wide.field, "recipe.parameters.hidden");
  const many = of({ batch: 100_000 });
  assert.equal(many.field, "recipe.parameters.batch");
  assert.ok(of({ batch: 100_000, datasets: 3 }).needs.memoryMib > many.needs.memoryMib);
});

test("what is asked for holds, and the rest is estimated", () => {
  const estimated = estimateNeeds(pretraining()).needs;
  assert.deepEqual(estimateNeeds(pretraining(), { memoryMib: 9000 }).needs, { ...estimated, memoryMib: 9000 });
  // On a device with memory of its own the training is there, and the trainer here.
  const gpu = estimateNeeds(pretraining({ hidden: [4096, 4096] }), { backend: "tfjs-node-gpu" }).needs;
  assert.deepEqual([gpu.device, gpu.backend, gpu.memoryMib], ["gpu", "tfjs-node-gpu", 512]);
  assert.ok(gpu.acceleratorMemoryMib > 900, `${gpu.acceleratorMemoryMib}`);
});

test("of several engines those on a processor need memory of the trainer, and those on a GPU memory of that", () => {
  const large = pretraining({ hidden: [4096, 4096] });
  const of = (backends: readonly string[]) => {
    const { device, memoryMib, acceleratorMemoryMib } = estimateNeeds(large, { backends }).needs;
    return [device, memoryMib > 1024, acceleratorMemoryMib > 512];
  };
  assert.deepEqual(of(["torch", "tfjs-node"]), ["cpu", true, false]);
  assert.deepEqual(of(["torch-gpu"]), ["gpu", false, true]);
  assert.deepEqual(of(["torch-gpu", "tfjs-node"]), ["gpu", true, true]);
});

function training(network: { readonly [name: string]: Json }, more: { readonly trainable?: string } = {}): Recipe {
  const parameters = { network, classes: 7, domains: ["a", "b", "c"], batch: 32, ...more };
  return { kind: "train", inputs: { dataset }, seed: 1, arithmetic: arithmetics.training, parameters };
}

test("a network needs as much as its tensors and what it computes of a batch, wherever that is", () => {
  const { needs } = estimateNeeds(training({ name: "resnet18", size: 224 }));
  assert.deepEqual([needs.device, needs.backend, needs.network, needs.acceleratorMemoryMib], ["cpu", "tfjs-node", "resnet18", 0]);
  // torchvision's resnet18 has 11.7 million parameters; PyTorch takes some 2.3 GB for a step at a batch of 96.
  assert.ok(needs.memoryMib > 2500 && needs.memoryMib < 8000, `${needs.memoryMib}`);
  const gpu = estimateNeeds(training({ name: "resnet18", size: 224 }), { backend: "tfjs-node-gpu" }).needs;
  assert.deepEqual([gpu.device, gpu.memoryMib, gpu.acceleratorMemoryMib], ["gpu", 512, needs.memoryMib - 512]);
  const small = estimateNeeds(training({ name: "resnet18", size: 64 })).needs;
  assert.ok(small.memoryMib < needs.memoryMib / 2, `${small.memoryMib}`);
  const head = estimateNeeds(training({ name: "resnet18", size: 224 }, { trainable: "head" })).needs;
  assert.ok(head.memoryMib < needs.memoryMib * 0.7, `${head.memoryMib}`);
  const prediction = { ...training({ name: "resnet18", size: 224 }), kind: "predict" } as const;
  assert.ok(estimateNeeds(prediction).needs.memoryMib < needs.memoryMib);
});

test("of a network that only its trainers know nothing is estimated, and one that cannot be is refused", () => {
  const unknown = training({ name: "resnet9000" });
  assert.deepEqual(estimateNeeds(unknown).needs.network, "resnet9000");
  // But by its weights, where some go in.
  const [least, more] = [estimateNeeds(unknown).needs.memoryMib, estimateNeeds(unknown, {}, 100 * 2 ** 20).needs.memoryMib];
  assert.deepEqual([least, more - least, isUnknownNetwork(unknown), isUnknownNetwork(training({ name: "mlp" }))], [768, 1200, true, false]);
  assert.throws(() => estimateNeeds(training({ name: "resnet18", size: 0 })), { name: "RecipeError", field: "parameters.network" });
});

test("a kind that no trainer runs has no needs", () => {
  assert.ok(!trainable.includes("average"));
  assert.throws(() => estimateNeeds({ kind: "average", inputs: {}, parameters: {} }), /no trainer runs recipes of kind average/);
});
