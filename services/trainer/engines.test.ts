import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { arithmetics } from "#libs/recipes";
import { temporaryDirectory } from "#libs/testing";
import { acceleratorHere, parseQuery } from "./accelerator.ts";
import { enginesHere } from "./engines.ts";

test("every trainer has the engines that come along, each with its exact arithmetic and that of any network", async () => {
  const { engines } = await enginesHere("cpu");
  for (const name of ["wasm", "cpu"] as const) {
    const engine = engines.find((one) => one.name === name);
    assert.deepEqual([engine?.device, engine?.arithmetics], ["cpu", [arithmetics[name], arithmetics.training]]);
  }
  assert.ok((await enginesHere("gpu")).engines.every(({ device }) => device === "gpu"));
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
