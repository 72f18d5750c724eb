import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cos, exp, ln, mix, pow, sin, sub, uniform } from "./index.ts";

test("mix, uniform and sub have the published check values", () => {
  assert.equal(mix(1), 2261973619);
  const expected = [0.36787554, 0.08161312, 0.82053578, 0.70121689];
  expected.forEach((value, k) => {
    assert.ok(Math.abs(uniform(1, k) - value) < 5e-9);
  });
  assert.deepEqual(
    [0, 1, 2].map((i) => sub(1, i)),
    [380648332, 2509581202, 178682984],
  );
});

test("uniform numbers lie in [0, 1) for any seed and any position", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat(), (seed, k) => {
      const u = uniform(seed, k);
      return u >= 0 && u < 1;
    }),
  );
});

test("transcendental functions have fixed bits", () => {
  const words = new BigUint64Array(new Float64Array([sin(0.7), cos(0.7), exp(0.7), ln(0.7), pow(0.7, 0.3), exp(-20.25)]).buffer);
  assert.deepEqual(
    [...words].map((word) => word.toString(16)),
    ["3fe49d6e694619b8", "3fe87996529f9d93", "40001c2a61268987", "bfd6d3c324e13f50", "3fecc0b43ba5c3da", "3e1b93de1e27ca3b"],
  );
});
