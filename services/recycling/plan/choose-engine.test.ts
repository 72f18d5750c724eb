import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { networkNames } from "#libs/networks";
import { arithmetics } from "#libs/recipes";
import { EngineSchema } from "#proto/ratatouille/v1/finetune_pb.ts";
import { example, exampleStudy } from "../testing/plans.ts";
import { chooseEngine } from "./choose-engine.ts";

const trainer = (
  name: string,
  changes: { device?: string; networks?: string[]; builtInNetworks?: boolean; arithmetics?: string[] } = {},
) => ({
  engines: [create(EngineSchema, { name, device: "cpu", arithmetics: [arithmetics.training], builtInNetworks: true, ...changes })],
});

test("the fastest engine that has the network is taken, a GPU before all", () => {
  const spec = exampleStudy();
  assert.equal(chooseEngine(spec, [trainer("wasm"), trainer("tfjs-node")]), "tfjs-node");
  assert.equal(chooseEngine(spec, [trainer("tfjs-node"), trainer("my-torch", { device: "gpu" })]), "my-torch");
  assert.equal(chooseEngine(spec, [trainer("tfjs-node", { builtInNetworks: false }), trainer("wasm", { networks: ["resnet18"] })]), "wasm");
  assert.equal(chooseEngine(spec, [trainer("tfjs-node", { arithmetics: ["~other/1"] })]), undefined);
  assert.equal(chooseEngine(spec, []), undefined);
});

test("the engine that a run began with is kept as long as a trainer has it for the network", () => {
  const spec = exampleStudy();
  assert.equal(chooseEngine(spec, [trainer("wasm"), trainer("tfjs-node")], "wasm"), "wasm");
  assert.equal(chooseEngine(spec, [trainer("wasm"), trainer("tfjs-node")], "tfjs-node-gpu"), "tfjs-node");
  assert.equal(chooseEngine(spec, [trainer("wasm", { builtInNetworks: false }), trainer("tfjs-node")], "wasm"), "tfjs-node");
});

test("an engine that is for small networks is taken for no others, unless a trainer names them", () => {
  const chosen = (name: string, size: number, changes = {}) =>
    chooseEngine(exampleStudy({ network: { name, size } }), [trainer("cpu", changes), trainer("wasm", changes)]);
  for (const name of ["mlp", "mnist-cnn"]) assert.equal(chosen(name, 28), "wasm", name);
  for (const name of networkNames().filter((one) => one !== "mlp" && one !== "mnist-cnn")) assert.equal(chosen(name, 224), undefined, name);
  // 1.8 billion multiply-adds at 224 pixels are 37 million at 32.
  assert.equal(chosen("resnet18", 32), "wasm");
  assert.equal(chosen("mnist-cnn", 224), undefined);
  assert.equal(chosen("resnet50", 224, { networks: ["resnet50"] }), "wasm");
});

test("a network that only a trainer knows is looked for by its name", () => {
  const spec = exampleStudy({ network: { name: "my-net", head: ["out.weight"] } });
  assert.equal(chooseEngine(spec, [trainer("tfjs-node")]), undefined);
  assert.equal(chooseEngine(spec, [trainer("tfjs-node"), trainer("torch", { networks: ["my-net"] })]), "torch");
});

test("digits are computed where their bytes are known, whoever is there", () => {
  assert.equal(chooseEngine(example("tiny"), []), "wasm");
});
