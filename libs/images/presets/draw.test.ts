import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openStream, PURPOSE } from "#libs/deterministic";
import type { Size } from "../picture.ts";
import { describePreset } from "./describe.ts";
import { drawOperations, FIXED_PRESETS } from "./draw.ts";
import { presetOf } from "./presets.ts";

const network = { width: 224, height: 224 };
const anySize = fc.record({ width: fc.integer({ min: 1, max: 3000 }), height: fc.integer({ min: 1, max: 3000 }) });
const draw = (name: string, from: Size, seed: number) =>
  drawOperations(presetOf(name), from, network, openStream([seed, PURPOSE.augmentation]));

test("a random crop lies in the picture and has the area and the shape that are allowed", () => {
  fc.assert(
    fc.property(anySize, fc.nat(), (from, seed) => {
      const [crop] = draw("domainbed/1", from, seed);
      assert.ok(crop?.kind === "resized-crop");
      assert.ok(crop.top >= 0 && crop.left >= 0 && crop.height >= 1 && crop.width >= 1);
      assert.ok(crop.top + crop.height <= from.height && crop.left + crop.width <= from.width);
      // Of small pictures the rounding to whole pixels is a large part; beyond 4 : 3 the middle is taken, of less area.
      const ratio = from.width / from.height;
      if (Math.min(from.width, from.height) < 100 || ratio < 0.75 || ratio > 4 / 3) return;
      const share = (crop.width * crop.height) / (from.width * from.height);
      assert.ok(share > 0.69 && share <= 1, `${share}`);
      assert.ok(crop.width / crop.height > 0.74 && crop.width / crop.height < 1.35);
    }),
  );
});

test("a picture that is too narrow for any crop gives its middle", () => {
  assert.deepEqual(draw("domainbed/1", { width: 30, height: 200 }, 1)[0], {
    kind: "resized-crop",
    top: 80,
    left: 0,
    height: 40,
    width: 30,
  });
  assert.deepEqual(draw("domainbed/1", { width: 200, height: 30 }, 1)[0], {
    kind: "resized-crop",
    top: 0,
    left: 80,
    height: 30,
    width: 40,
  });
});

test("half of the pictures are mirrored, a tenth is grey, and each of 24 orders of colours comes", () => {
  const drawn = Array.from({ length: 4000 }, (_, seed) => draw("domainbed/1", network, seed).map((operation) => operation.kind));
  const share = (kind: "flip" | "grayscale") => drawn.filter((kinds) => kinds.includes(kind)).length / drawn.length;
  assert.ok(Math.abs(share("flip") - 0.5) < 0.03);
  assert.ok(Math.abs(share("grayscale") - 0.1) < 0.02);
  const isColour = (kind: string) => ["brightness", "contrast", "saturation", "hue"].includes(kind);
  assert.equal(new Set(drawn.map((kinds) => kinds.filter(isColour).join())).size, 24);
});

test("factors of colours lie where they may", () => {
  for (let seed = 0; seed < 500; seed++) {
    for (const operation of draw("domainbed/1", network, seed)) {
      if (!("factor" in operation)) continue;
      const [least, most] = operation.kind === "hue" ? [-0.3, 0.3] : [0.7, 1.3];
      assert.ok(operation.factor >= least && operation.factor <= most);
    }
  }
});

test("evaluation draws nothing", () => {
  assert.deepEqual(FIXED_PRESETS, ["resize/1", "center/1", "none/1"]);
  assert.deepEqual(draw("resize/1", { width: 500, height: 300 }, 1), [{ kind: "resize", height: 224, width: 224 }]);
  // torchvision's Resize(256) of such a picture, and CenterCrop(224).
  assert.deepEqual(draw("center/1", { width: 500, height: 300 }, 1), [
    { kind: "resize", width: 426, height: 256 },
    { kind: "center-crop" },
  ]);
  assert.deepEqual(draw("none/1", { width: 500, height: 300 }, 1), []);
});

test("what evaluation does is told in words, with the sizes that it has for this network", () => {
  assert.equal(
    describePreset("center/1", network),
    "resized, its proportions kept, to a shorter side of 256 pixels (bilinear, antialiased), then cut to the 224 x 224 pixels in its middle",
  );
  assert.equal(describePreset("none/1", network), "");
  assert.throws(() => describePreset("domainbed/1", network), { name: "RangeError" });
});

test("a name that no preset has is an error that names the nearest", () => {
  assert.throws(() => presetOf("domainbed1"), { name: "RangeError", message: '"domainbed1" is no transform: did you mean domainbed/1?' });
  assert.throws(() => presetOf("toString"), {
    message: '"toString" is no transform: there are domainbed/1, resize/1, center/1, none/1',
  });
});
