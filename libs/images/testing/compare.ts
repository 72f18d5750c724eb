import assert from "node:assert/strict";
import type { Picture } from "../picture.ts";

/** The largest difference between two numbers of pictures that have the same shape. */
export function largestDifference(actual: Picture, expected: Picture): number {
  assert.deepEqual([actual.width, actual.height, actual.channels], [expected.width, expected.height, expected.channels]);
  assert.equal(actual.pixels.length, actual.width * actual.height * actual.channels);
  return actual.pixels.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.pixels[i]!)), 0);
}
