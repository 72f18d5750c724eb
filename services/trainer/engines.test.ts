import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { arithmetics } from "#libs/recipes";
import { temporaryDirectory } from "#libs/testing";
import { acceleratorHere, parseQuery } from "./accelerator.ts";
import type { DeviceChoice } from "./device.ts";
import { chooseEngines, enginesHere, type TensorflowHere } from "./engines.ts";

test("every trainer has the engines that come along, each with its exact arithmetic and that of any network", async () => {
  const { engines } = await enginesHere("cpu");
  for (const name of ["wasm", "cpu"] as const) {
    const engine = engines.find((one) => one.name === name);
    assert.deepEqual([engine?.device, engine?.arithmetics], ["cpu", [arithmetics[name], arithmetics.training]]);
  }
});

test("TensorFlow for GPUs is an engine where it computes on one, and otherwise that for processors, which says why", () => {
  const computesOn = { model: "NVIDIA H200", memoryMib: 143_771, driver: "570.86.15" };
  const works = { version: "2.15.1", computesOn };
  const fails = { lacks: "its driver is too old" };
  const chosen = (device: DeviceChoice, here: TensorflowHere) => {
    const { engines, ...others } = chooseEngines(device, here);
    return [engines.map(({ name }) => name).join(" "), others];
  };
  const both = { tensorflow: "2.15.1" };
  assert.deepEqual(chosen("auto", {}), ["wasm cpu", {}]);
  assert.deepEqual(chosen("auto", { cpu: "2.15.1" }), ["tfjs-node wasm cpu", both]);
  assert.deepEqual(chosen("auto", { cpu: "2.15.1", gpu: works }), ["tfjs-node-gpu wasm cpu", { ...both, accelerator: computesOn }]);
  assert.deepEqual(chosen("auto", { cpu: "2.15.1", gpu: fails }), ["tfjs-node wasm cpu", { ...both, ...fails }]);
  assert.deepEqual(chosen("auto", { gpu: fails }), ["wasm cpu", fails]);
  assert.deepEqual(chosen("cpu", { cpu: "2.15.1", gpu: works }), ["tfjs-node wasm cpu", both]);
  assert.deepEqual(chosen("gpu", { gpu: works }), ["tfjs-node-gpu", { ...both, accelerator: computesOn }]);
  assert.deepEqual(chosen("gpu", { cpu: "2.15.1", gpu: fails }), ["", fails]);
  assert.deepEqual(chosen("gpu", { cpu: "2.15.1" }), ["", {}]);
  assert.deepEqual(chooseEngines("gpu", { gpu: works }).engines[0]?.device, "gpu");
});

test("the first GPU of several counts; what is no answer is none", () => {
  const answer = "NVIDIA GeForce RTX 4090, 24564, 550.54.14\nNVIDIA GeForce GTX 1080, 8192, 550.54.14\n";
  assert.deepEqual(parseQuery(answer), { model: "NVIDIA GeForce RTX 4090", memoryMib: 24_564, driver: "550.54.14" });
  for (const text of ["", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", "a, b, c"])
    assert.equal(parseQuery(text), undefined, text);
});

test("a machine without the driver has no accelerator, and one whose driver fails neither", async () => {
  await using directory = await temporaryDirectory();
  const program = directory.join("nvidia-smi");
  assert.equal(await acceleratorHere(program), undefined);
  await writeFile(program, "#!/bin/sh\necho 'NVIDIA H200, 143771, 570.86.15'; exit 9\n", { mode: 0o755 });
  assert.equal(await acceleratorHere(program), undefined);
  await writeFile(program, "#!/bin/sh\necho 'NVIDIA H200, 143771, 570.86.15'\n", { mode: 0o755 });
  assert.equal((await acceleratorHere(program))?.memoryMib, 143_771);
});
