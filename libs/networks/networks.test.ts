import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
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

test("for any classes, channels and size every tensor is used once, and every value but the last; the head comes last", () => {
  const names = fc.constantFrom(...networkNames());
  const sizes = fc.constantFrom(32, 64, 80, 224);
  fc.assert(
    fc.property(names, fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 5 }), sizes, (name, classes, channels, size) => {
      const network = networkOf(name, { classes, channels, size });
      const { tensors, graph, head } = network;
      const known = new Set(tensors.map((tensor) => tensor.name));
      assert.equal(known.size, tensors.length);
      const used = graph.flatMap((op) => Object.values(op).filter((value) => known.has(value as string)));
      assert.deepEqual(used.toSorted(), [...known].filter((tensor) => !tensor.endsWith(".num_batches_tracked")).toSorted());
      const read = new Set(graph.flatMap((op) => ("other" in op ? [op.from, op.other] : [op.from])));
      assert.deepEqual(
        [...read].sort((a, b) => a - b),
        [INPUT, ...graph.keys()].slice(0, -1),
      );
      assert.ok(graph.every((op, index) => op.from < index && (!("other" in op) || op.other < index)));

      const last = graph.at(-1)!;
      assert.ok(last.op === "linear" && head.join() === [last.weight, last.bias].join());
      assert.equal(graph.at(-2)?.op, "dropout");
      assert.deepEqual(outputShapes(network).at(-1), [classes]);
      assert.deepEqual(JSON.parse(JSON.stringify(network)), network);
    }),
    { numRuns: 60 },
  );
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

test("operations that do not fit what enters them are named", () => {
  const network = networkOf("mlp", { classes: 2, size: 4 });
  const wider = { ...network, input: { ...network.input, channels: 2 } };
  assert.throws(() => outputShapes(wider), new RangeError("operation 1 (linear) does not fit [32]"));
  assert.throws(
    () => networkOf("vit_tiny_patch16_224", { classes: 2, size: 60 }),
    new NetworkOptionsError("size: vit_tiny_patch16_224 needs a multiple of 16, got 60"),
  );
  assert.throws(() => networkOf("convnext_tiny", { classes: 2, size: 2 }), {
    name: "NetworkOptionsError",
    message: /^convnext_tiny cannot see images of 2 × 2 pixels: operation 0 \(conv2d\) does not fit \[3, 2, 2\]$/,
  });
});

function entries({ tensors }: Network, role: "weight" | "buffer"): Entry[] {
  return tensors.filter((tensor) => tensor.role === role).map(({ name, shape }) => ({ name, shape: [...shape] }));
}
