import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { loadWeights, narrow, saveWeights, tensorBytes, writeSafetensors } from "#libs/tensors";
import {
  fitWeights,
  type GivenTensor,
  type GivenWeights,
  initialise,
  type Network,
  type NetworkTensor,
  type NetworkWeights,
  networkNames,
  networkOf,
  recogniseNetwork,
  UnfitWeightsError,
} from "./index.ts";
import { definitions } from "./registry.ts";
import { ownNames } from "./spelling.ts";

const known = resolve(import.meta.dirname, "../../test/fixtures/networks/known");
const read = <T>(name: string) => JSON.parse(readFileSync(resolve(known, name), "utf8")) as T;

/** Weights in which each tensor has a value of its own. */
function numbered({ tensors }: Network): Map<string, NetworkTensor> {
  return new Map(
    tensors.map(({ name, shape, dtype }, index): [string, NetworkTensor] => {
      const length = shape.reduce((a, b) => a * b, 1);
      return dtype === "I64"
        ? [name, { shape, dtype, data: new BigInt64Array(length).fill(BigInt(index)) }]
        : [name, { shape, dtype, data: new Float32Array(length).fill(index) }];
    }),
  );
}

/** The weights under other names, in another order. */
function renamed(weights: NetworkWeights, rename: (name: string) => string): GivenWeights {
  return new Map([...weights].reverse().map(([name, tensor]) => [rename(name), tensor]));
}

const digits = networkOf("mnist-cnn", { classes: 10 });
const resnet = networkOf("resnet18", { classes: 7 });

test("a network's own weights stay as they are, in its order, from a file too", () => {
  const own = numbered(resnet);
  const fit = fitWeights(
    resnet,
    renamed(own, (name) => name),
  );
  assert.deepEqual([...fit.weights], [...own]);
  assert.deepEqual([fit.head, fit.notes], [true, []]);
  assert.equal(fit.weights.get("conv1.weight")!.data, own.get("conv1.weight")!.data);

  const small = numbered(digits);
  assert.deepEqual([...fitWeights(digits, loadWeights(saveWeights(small))).weights], [...small]);
});

test("files of narrow types are read with their counters, and computed with as F32", () => {
  const network = networkOf("tf_efficientnet_lite0", { classes: 7 });
  const own = numbered(network);
  for (const dtype of ["BF16", "F16", "F64"] as const) {
    const rows = [...own].map(([name, tensor]) => {
      if (tensor.dtype === "I64") return { name, dtype: tensor.dtype, shape: tensor.shape, data: new Uint8Array(tensor.data.buffer) };
      const data = new Uint8Array(tensorBytes(dtype, tensor.shape));
      narrow(
        dtype,
        tensor.data.map((value) => value % 200),
        data,
      );
      return { name, dtype, shape: tensor.shape, data };
    });
    const { weights } = fitWeights(network, loadWeights(writeSafetensors(rows)));
    assert.deepEqual([...weights.keys()], [...own.keys()]);
    for (const [name, { dtype: type, data }] of weights) {
      const expected = own.get(name)!;
      assert.deepEqual([type, data[0]], [expected.dtype, type === "F32" ? Number(expected.data[0]) % 200 : expected.data[0]], name);
    }
  }
});

test("counters of batches that old files lack are 0", () => {
  const old = new Map([...numbered(resnet)].filter(([name]) => !name.endsWith("num_batches_tracked")));
  assert.deepEqual(fitWeights(resnet, old).weights.get("bn1.num_batches_tracked"), { shape: [], dtype: "I64", data: BigInt64Array.of(0n) });
});

test("a head for other classes is left out, and said so, unless it is needed", () => {
  const imagenet = numbered(networkOf("resnet18", { classes: 1000 }));
  const fit = fitWeights(resnet, imagenet);
  assert.deepEqual([fit.head, fit.weights.has("fc.weight"), fit.weights.size], [false, false, resnet.tensors.length - 2]);
  assert.deepEqual(fit.notes, ["the head is left out: fc.weight is for 1000 classes, not for 7"]);
  assert.throws(
    () => fitWeights(resnet, imagenet, { head: "require" }),
    new UnfitWeightsError("resnet18 needs a head: fc.weight is for 1000 classes, not for 7"),
  );

  const headless = new Map([...imagenet].filter(([name]) => !name.startsWith("fc.")));
  assert.deepEqual(fitWeights(resnet, headless).notes, ["the head is left out: there is no fc.weight with fc.bias"]);
  assert.throws(() => fitWeights(resnet, headless, { head: "require" }), { message: /^resnet18 needs a head: there is no fc\.weight/ });
  assert.deepEqual(fitWeights(resnet, headless, { head: "drop" }).notes, []);
  assert.equal(fitWeights(resnet, numbered(resnet), { head: "drop" }).weights.has("fc.bias"), false);
});

test("the first convolution repeats its channels, as DomainBed's does", () => {
  const own = numbered(resnet);
  const filters = Float32Array.from({ length: 64 * 3 * 49 }, (_, i) => i);
  own.set("conv1.weight", { shape: [64, 3, 7, 7], dtype: "F32", data: filters });
  for (const channels of [1, 2, 5]) {
    const { weights, notes } = fitWeights(networkOf("resnet18", { classes: 7, channels }), own);
    const adapted = weights.get("conv1.weight")!;
    assert.deepEqual(adapted.shape, [64, channels, 7, 7]);
    // tmp[:, i % 3, :, :]
    for (const [output, channel, place] of [
      [0, 0, 0],
      [63, channels - 1, 48],
      [17, channels >> 1, 5],
    ] as const)
      assert.equal(adapted.data[(output * channels + channel) * 49 + place], (output * 3 + (channel % 3)) * 49 + place);
    assert.deepEqual(notes, [`conv1.weight was for 3 channels: channel i of ${channels} takes that of channel i mod 3`]);
  }
});

test("positions are resampled as timm does", () => {
  type Case = { from: number; to: number; features: number; resampled: number[] };
  const vit = networkOf("vit_tiny_patch16_224", { classes: 2, size: 32 });
  for (const { from, to, features, resampled } of read<{ cases: Case[] }>("positions.json").cases) {
    const network = networkWithPositions(vit, to, features);
    const data = Float32Array.from({ length: (from * from + 1) * features }, (_, i) => Math.sin(1 + 0.7 * i));
    const given = numbered(network).set("pos_embed", { shape: [1, from * from + 1, features], dtype: "F32", data });
    const { weights, notes } = fitWeights(network, given);
    weights.get("pos_embed")!.data.forEach((value, i) => {
      assert.ok(Math.abs(Number(value) - resampled[i]!) < 1e-6, `${from} to ${to}, ${i}: ${value}, expected ${resampled[i]}`);
    });
    assert.deepEqual(notes, [`pos_embed was for ${from} × ${from} places: resampled for ${to} × ${to}`]);
  }
});

/** A network of these positions alone. */
function networkWithPositions(network: Network, to: number, features: number): Network {
  const spec = network.tensors.find(({ name }) => name === "pos_embed")!;
  const head = network.tensors.filter(({ name }) => network.head.includes(name));
  return { ...network, tensors: [{ ...spec, shape: [1, to * to + 1, features] }, ...head] };
}

test("names of wrappers and of DomainBed are understood", () => {
  const own = numbered(resnet);
  const [featurizer, classifier] = [(name: string) => !name.startsWith("fc."), (name: string) => name.replace("fc.", "")];
  const spellings: [(name: string) => string, string[]][] = [
    [(name) => `module.${name}`, []],
    [(name) => `_orig_mod.module.${name}`, []],
    [(name) => (featurizer(name) ? `0.network.${name}` : `1.${classifier(name)}`), ["names are those of DomainBed"]],
    [(name) => (featurizer(name) ? `network.0.network.${name}` : `network.1.${classifier(name)}`), ["names are those of DomainBed"]],
    [(name) => (featurizer(name) ? `featurizer.network.${name}` : `classifier.${classifier(name)}`), ["names are those of DomainBed"]],
  ];
  for (const [rename, notes] of spellings) {
    const fit = fitWeights(resnet, renamed(own, rename));
    assert.deepEqual([...fit.weights], [...own]);
    assert.deepEqual(fit.notes, notes);
  }
  const plain = numbered(digits);
  const sequence = renamed(plain, (name) => (name.startsWith("classifier.") ? name.replace("classifier.", "1.") : `0.${name}`));
  assert.deepEqual([...fitWeights(digits, sequence).weights], [...plain]);
});

test("a model that holds its tensors twice, as DomainBed's algorithms do, is read once, unless they differ", () => {
  const own = numbered(digits);
  const [first, second] = [
    (name: string) => name.replace(/^(?!classifier)/, "featurizer."),
    (name: string) => name.replace(/^(?!classifier)/, "network.0.").replace("classifier.", "network.1."),
  ];
  const twice = new Map([...renamed(own, first), ...renamed(own, second)]);
  assert.deepEqual([...fitWeights(digits, twice).weights], [...own]);
  twice.set("network.1.bias", { shape: [10], dtype: "F32", data: new Float32Array(10) });
  assert.throws(() => fitWeights(digits, twice), {
    name: "UnfitWeightsError",
    message: /and another tensor are both classifier\.bias, and differ$/,
  });
});

test("names of other libraries are understood", () => {
  const foreign = read<Record<string, Record<string, string>>>("foreign.json");
  for (const [name, pairs] of Object.entries(foreign)) {
    const shapes = new Map(networkOf(name, { classes: 1000 }).tensors.map((tensor) => [tensor.name, tensor.shape]));
    const { names } = ownNames(Object.keys(pairs), new Set(shapes.keys()), definitions.get(name)!);
    assert.deepEqual(Object.fromEntries(names), pairs);
    assert.deepEqual([...names.values()].sort(), [...shapes.keys()].sort());
    assert.equal(recogniseNetwork(new Map(Object.entries(pairs).map(([their, our]) => [their, shapes.get(our)!]))), name);
  }
  const lite = networkOf("tf_efficientnet_lite0", { classes: 1000 });
  const own = numbered(lite);
  const theirs = new Map(Object.entries(foreign["tf_efficientnet_lite0"]!).map(([their, our]) => [their, own.get(our)!]));
  const fit = fitWeights(lite, theirs);
  assert.deepEqual([...fit.weights], [...own]);
  assert.deepEqual(fit.notes, ["names are those of efficientnet-lite-pytorch"]);

  // torchvision scales channels by [channels, 1, 1].
  const convnext = networkOf("convnext_tiny", { classes: 1000 });
  const scaled = Object.entries(foreign["convnext_tiny"]!).map(([their, our]): [string, GivenTensor] => {
    const shape = convnext.tensors.find(({ name }) => name === our)!.shape;
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    return [their, { shape: their.endsWith("layer_scale") ? [...shape, 1, 1] : shape, dtype: "F32", data }];
  });
  const theirScales = new Map(scaled.map(([their, { shape }]) => [their, shape]));
  assert.equal(recogniseNetwork(theirScales), "convnext_tiny");
  const { weights, notes } = fitWeights(convnext, new Map(scaled));
  assert.deepEqual([weights.get("stages.3.blocks.2.gamma")!.shape, notes], [[768], ["names are those of torchvision"]]);
});

test("another network is refused, with what differs first and whose the weights are", () => {
  assert.throws(
    () => fitWeights(resnet, numbered(networkOf("resnet34", { classes: 7 }))),
    new UnfitWeightsError(
      'The weights are not resnet18\'s: "layer1.2.conv1.weight" is none of its tensors; "layer1.2.bn1.weight" is none of its tensors; "layer1.2.bn1.bias" is none of its tensors; "layer1.2.bn1.running_mean" is none of its tensors; "layer1.2.bn1.running_var" is none of its tensors; … and 91 more. They are resnet34\'s.',
    ),
  );
  const other = numbered(resnet).set("layer1.0.conv1.weight", { shape: [64, 64, 1, 1], dtype: "F32", data: new Float32Array(4096) });
  other.delete("bn1.running_var");
  assert.throws(
    () => fitWeights(resnet, other),
    new UnfitWeightsError(
      "The weights are not resnet18's: bn1.running_var is missing; layer1.0.conv1.weight: expected [64, 64, 3, 3], got [64, 64, 1, 1].",
    ),
  );
  assert.throws(() => fitWeights(digits, new Map()), { message: /^The weights are not mnist-cnn's: conv1\.weight is missing; / });
});

test("numbers that are not finite, or are whole, are refused with their place", () => {
  const weights = numbered(digits);
  (weights.get("bn2.bias")!.data as Float32Array)[5] = Number.NaN;
  assert.throws(() => fitWeights(digits, weights), new UnfitWeightsError("bn2.bias is not finite at [5]: NaN"));
  const quantised = { dtype: "I8", shape: [64], data: new Int8Array(64) } as const;
  assert.throws(() => fitWeights(digits, new Map<string, GivenTensor>([...numbered(digits), ["conv1.bias", quantised]])), {
    message: "The weights are not mnist-cnn's: conv1.bias: expected numbers with a fraction, got I8.",
  });
});

test("weights tell their network, for any classes, channels and size", () => {
  const named = networkNames().filter((name) => name !== "mlp");
  const sizes = fc.constantFrom(32, 64, 224);
  fc.assert(
    fc.property(
      fc.constantFrom(...named),
      fc.nat({ max: 8 }),
      fc.nat({ max: 4 }),
      sizes,
      fc.constantFrom("", "module."),
      (name, classes, channels, size, prefix) => {
        const { tensors } = networkOf(name, { classes: classes + 1, channels: channels + 1, size });
        assert.equal(recogniseNetwork(new Map(tensors.map((tensor) => [`${prefix}${tensor.name}`, tensor.shape]))), name);
      },
    ),
    { numRuns: 60 },
  );
  assert.equal(recogniseNetwork(new Map([["fc1.weight", [3, 3]]])), undefined);
});

test("what is drawn for a seed and a tensor does not depend on what is given", () => {
  const fresh = initialise(digits, 3);
  assert.deepEqual(
    [...fresh.keys()],
    digits.tensors.map(({ name }) => name),
  );
  const trunk = fitWeights(digits, numbered(digits), { head: "drop" }).weights;
  const whole = initialise(digits, 3, trunk);
  assert.deepEqual(whole.get("classifier.weight"), fresh.get("classifier.weight"));
  assert.equal(whole.get("conv3.weight"), trunk.get("conv3.weight"));
  assert.notDeepEqual(initialise(digits, 4).get("conv1.weight"), fresh.get("conv1.weight"));
});

test("drawn numbers have the moments that they should have", () => {
  const uniform = initialise(digits, 1).get("conv3.weight")!.data as Float32Array;
  const bound = 1 / Math.sqrt(128 * 9);
  assert.ok(uniform.every((value) => Math.abs(value) <= bound));
  assert.ok(Math.abs(deviation(uniform) / (bound / Math.sqrt(3)) - 1) < 0.02);
  const others = new Map([...numbered(resnet)].filter(([name]) => name !== "layer1.0.conv1.weight"));
  const normal = initialise(resnet, 1, others).get("layer1.0.conv1.weight")!.data as Float32Array;
  assert.ok(Math.abs(deviation(normal) / Math.sqrt(2 / (64 * 9)) - 1) < 0.02);
});

function deviation(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
