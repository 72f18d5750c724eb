import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { initialise, networkNames, networkOf } from "./index.ts";

type Initial = { readonly absSum: number; readonly first: Readonly<Record<string, readonly number[]>> };

// What each network draws, which the trainer in Python is compared with too (clients/python/tests_torch): the sum of all absolute values, and
// the first numbers of some tensors. Networks for digits have their own size.
const path = new URL("../../test/fixtures/networks/initial/weights.json", import.meta.url);
const { seed, classes, size, networks }: { seed: number; classes: number; size: number; networks: Readonly<Record<string, Initial>> } =
  JSON.parse(await readFile(path, "utf8"));

/** The others take seconds, and are no other kind of network. */
const fast = ["mlp", "mnist-cnn", "resnet18", "vit_tiny_patch16_224", "tf_efficientnet_lite0"];

test("there are committed weights of every network", () => assert.deepEqual(Object.keys(networks), networkNames()));

for (const name of fast)
  test(`${name} draws the committed weights`, () => {
    const isForDigits = name === "mlp" || name === "mnist-cnn";
    const weights = initialise(networkOf(name, { classes, ...(isForDigits ? {} : { size }) }), seed);
    const { absSum, first } = networks[name]!;
    const sums = [...weights.values()].map(({ dtype, data }) => (dtype === "F32" ? data.reduce((sum, x) => sum + Math.abs(x), 0) : 0));
    assert.ok(Math.abs(sums.reduce((sum, one) => sum + one, 0) / absSum - 1) < 1e-9);
    for (const [tensor, numbers] of Object.entries(first)) assert.deepEqual([...weights.get(tensor)!.data.slice(0, 4)], numbers, tensor);
  });
