import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { costOf, type Init, networkNames, networkOf } from "./index.ts";

const folder = resolve(import.meta.dirname, "../../test/fixtures/networks/known");

/** A network as PyTorch, torchvision or timm make it; rows of `state` are name, type, shape, mean and standard deviation of the initial values. */
type Known = {
  input_shape: [number, number, number];
  classes: number;
  mean: number[];
  std: number[];
  multiply_adds: number;
  state: [string, string, number[], number, number][];
};

for (const name of networkNames()) {
  const known = JSON.parse(readFileSync(resolve(folder, `${name}.json`), "utf8")) as Known;
  const network = networkOf(name, { classes: known.classes });

  test(`${name} has the tensors of its library's state_dict, in order`, () => {
    const expected = known.state.map(([tensor, dtype, shape]) => ({ name: tensor, dtype, shape }));
    assert.deepEqual(
      network.tensors.map(({ name: tensor, dtype, shape }) => ({ name: tensor, dtype, shape })),
      expected,
    );
    const { channels, height, width, mean, deviation } = network.input;
    assert.deepEqual(
      { shape: [channels, height, width], mean, deviation },
      { shape: known.input_shape, mean: known.mean, deviation: known.std },
    );
  });

  test(`${name} costs what PyTorch counts`, () => {
    assert.equal(costOf(network).multiplyAdds, known.multiply_adds);
  });

  test(`${name} is filled as its library fills it`, () => {
    known.state.forEach(([tensor, , shape, mean, deviation], index) => {
      const { init } = network.tensors[index]!;
      const expected = momentsOf(init);
      const count = shape.reduce((a, b) => a * b, 1);
      // Six standard errors of the mean and of the deviation of so many draws.
      const tolerance = (6 * expected.deviation) / Math.sqrt(count) + 1e-9;
      assert.ok(Math.abs(mean - expected.mean) <= tolerance, `${tensor}: mean ${mean}, expected ${expected.mean}`);
      assert.ok(Math.abs(deviation - expected.deviation) <= tolerance, `${tensor}: deviation ${deviation}, expected ${expected.deviation}`);
    });
  });
}

test("bytes are those of tensors and of what operations give", () => {
  const network = networkOf("mlp", { classes: 3, size: 4, options: { hidden: [5] } });
  const cost = costOf(network);
  assert.equal(cost.parameters, 17 * 5 + 6 * 3);
  assert.equal(cost.bytes, 4 * cost.parameters);
  // The picture, the same in a row, the hidden layer before ReLU, after it and after dropout, and logits.
  assert.equal(cost.activationBytes, 4 * (16 + 16 + 5 + 5 + 5 + 3));
  assert.equal(cost.largestBytes, 64);
  // Statistics in 4 bytes, and 20 counters in 8.
  const resnet = costOf(networkOf("resnet18", { classes: 7 }));
  assert.equal(resnet.bytes, 4 * (resnet.parameters + 2 * 4800) + 8 * 20);
  // Three heads of 197 x 197 shares, as products and as their softmax, beside 197 x 192 numbers.
  const vit = networkOf("vit_tiny_patch16_224", { classes: 7 });
  assert.equal(costOf(vit).largestBytes, 4 * (2 * 3 * 197 * 197 + 197 * 192));
});

function momentsOf(init: Init): { mean: number; deviation: number } {
  switch (init.kind) {
    case "constant":
      return { mean: init.value, deviation: 0 };
    case "uniform":
      return { mean: 0, deviation: init.bound / Math.sqrt(3) };
    case "normal":
      return { mean: 0, deviation: init.deviation };
  }
}
