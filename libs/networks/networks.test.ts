import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { test } from "node:test";
import {
  INPUT,
  type Network,
  type NetworkOptions,
  NetworkOptionsError,
  networkNames,
  networkOf,
  outputShapes,
  UnknownNetworkError,
} from "./index.ts";

const fixtures = resolve(import.meta.dirname, "../../test/fixtures/networks");

type Entry = { name: string; shape: number[] };
type Fixture = {
  architecture: string;
  input_shape: number[];
  classes: number;
  options?: NetworkOptions;
  parameters: Entry[];
  buffers: Entry[];
};

for (const path of globSync("*.json", { cwd: fixtures }).sort()) {
  test(`${basename(path, ".json")} has PyTorch's tensors`, () => {
    const { architecture, input_shape, classes, parameters, buffers } = JSON.parse(
      readFileSync(resolve(fixtures, path), "utf8"),
    ) as Fixture;
    const network = networkOf(architecture, { classes, channels: input_shape[1]!, size: input_shape[2]! });
    assert.deepEqual(entries(network, "weight"), parameters);
    assert.deepEqual(entries(network, "buffer"), buffers);
    assert.deepEqual(outputShapes(network).at(-1), [classes]);
  });
}

/** From torchvision's documentation and timm's `create_model`, for 1000 classes. */
const published = {
  resnet18: 11_689_512,
  resnet34: 21_797_672,
  resnet50: 25_557_032,
  resnet101: 44_549_160,
  vit_tiny_patch16_224: 5_717_416,
  vit_small_patch16_224: 22_050_664,
  vit_base_patch16_224: 86_567_656,
  convnext_tiny: 28_589_128,
  tf_efficientnet_lite0: 4_652_008,
};

for (const [name, count] of Object.entries(published)) {
  test(`${name} has as many parameters as was published`, () => {
    const weights = networkOf(name, { classes: 1000 }).tensors.filter(({ role }) => role === "weight");
    assert.equal(
      weights.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
      count,
    );
  });
}

test("every tensor is used once, and every value but the last", () => {
  for (const name of networkNames()) {
    const { tensors, graph } = networkOf(name, { classes: 7 });
    const used = graph.flatMap((op) => Object.values(op).filter((value) => tensors.some((tensor) => tensor.name === value)));
    const expected = tensors.filter(({ dtype }) => dtype === "F32").map((tensor) => tensor.name);
    assert.deepEqual(used.toSorted(), expected.toSorted());
    const read = new Set(graph.flatMap((op) => ("other" in op ? [op.from, op.other] : [op.from])));
    assert.deepEqual(
      [...read].sort((a, b) => a - b),
      [INPUT, ...graph.keys()].slice(0, -1),
    );
  }
});

test("a network for other pictures repeats what its channels are normalised by", () => {
  const { input, tensors } = networkOf("resnet18", { classes: 2, channels: 4, size: 65 });
  assert.deepEqual(input, {
    channels: 4,
    height: 65,
    width: 65,
    mean: [0.485, 0.456, 0.406, 0.485],
    deviation: [0.229, 0.224, 0.225, 0.229],
  });
  assert.deepEqual(tensors[0]!.shape, [64, 4, 7, 7]);
});

test("a network that is not there, or not like this, is refused in one sentence", () => {
  assert.throws(
    () => networkOf("resnet-50", { classes: 2 }),
    new UnknownNetworkError('There is no network "resnet-50": did you mean resnet50, resnet18 or resnet34?'),
  );
  assert.throws(() => networkOf("lenet", { classes: 2 }), { name: "UnknownNetworkError", message: /^There is no network "lenet": / });
  assert.throws(
    () => networkOf("resnet18", { classes: 0 }),
    new NetworkOptionsError("classes: resnet18 needs a whole number from 1 to 1000000, got 0"),
  );
  assert.throws(
    () => networkOf("resnet18", { classes: 2, size: 1.5 }),
    new NetworkOptionsError("size: resnet18 needs a whole number from 1 to 1000000, got 1.5"),
  );
  assert.throws(
    () => networkOf("resnet18", { classes: 2, options: { hidden: [3] } }),
    new NetworkOptionsError('options: resnet18 has no "hidden"; it has none'),
  );
});

function entries({ tensors }: Network, role: "weight" | "buffer"): Entry[] {
  return tensors.filter((tensor) => tensor.role === role).map(({ name, shape }) => ({ name, shape: [...shape] }));
}
