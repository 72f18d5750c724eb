import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createPair } from "./testing/pair.ts";
import type { Kernels, Windows } from "./types.ts";

const pair = createPair();

/** Writes bytes into both memories; where. */
function put(bytes: Uint8Array, shift = 0): number {
  const address = pair.reserve(bytes.length + 16, shift);
  for (const kernels of [pair.compiled, pair.twin]) kernels.bytes(address, bytes.length).set(bytes);
  return address;
}

const putWhole = (numbers: readonly number[]) => put(new Uint8Array(Int32Array.from(numbers).buffer));

function both(run: (kernels: Kernels) => void): void {
  run(pair.compiled);
  run(pair.twin);
}

/** Windows of a line of `from` places: any beginnings and counts that fit, with weights that come to one. */
const anyWindows = (from: number) => {
  const anyWindow = fc.tuple(fc.nat({ max: from - 1 }), fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 6 }));
  return fc.array(anyWindow, { minLength: 1, maxLength: 12 }).map((windows) =>
    windows.map(([first, shares]) => {
      const used = shares.slice(0, from - first);
      const sum = used.reduce((total, share) => total + share, 0);
      return { first, weights: used.map((share) => Math.round(((sum === 0 ? 1 : share) / (sum || used.length)) * 2 ** 22)) };
    }),
  );
};

function putWindows(windows: readonly { readonly first: number; readonly weights: readonly number[] }[]): Windows {
  const stride = 7;
  return {
    size: windows.length,
    stride,
    first: putWhole(windows.map(({ first }) => first)),
    counts: putWhole(windows.map(({ weights }) => weights.length)),
    weights: putWhole(windows.flatMap(({ weights }) => Array.from({ length: stride }, (_, k) => weights[k] ?? 0))),
  };
}

const anyPicture = fc
  .record({ width: fc.integer({ min: 1, max: 23 }), height: fc.integer({ min: 1, max: 9 }), channels: fc.constantFrom(1, 3) })
  .chain(({ width, height, channels }) => {
    const length = width * height * channels;
    return fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      channels: fc.constant(channels),
      // Extremes show sums that are too large.
      pixels: fc.oneof(fc.uint8Array({ minLength: length, maxLength: length }), fc.constant(new Uint8Array(length).fill(255))),
      across: anyWindows(width),
      down: anyWindows(height),
    });
  });

test("resized lines and columns agree with their twins in every byte", () => {
  fc.assert(
    fc.property(anyPicture, fc.nat({ max: 9 }), ({ width, height, channels, pixels, across, down }, shift) => {
      pair.reset();
      const from = put(pixels, shift);
      const [horizontal, vertical] = [putWindows(across), putWindows(down)];
      const lines = pair.reserve(height * across.length * channels + 1, shift);
      const columns = pair.reserve(down.length * width * channels, shift);
      both((kernels) => {
        kernels.resizeLines({ from, lineBytes: width * channels, lines: height, channels, out: lines, windows: horizontal });
        kernels.resizeColumns({ from, lineBytes: width * channels, out: columns, windows: vertical });
      });
      pair.assertSame(lines, height * across.length * channels);
      pair.assertSame(columns, down.length * width * channels);
    }),
    { numRuns: 500 },
  );
});

test("blended bytes, saturated pixels and sums of greys agree with their twins, and no byte behind them changes", () => {
  const anyFactor = fc.oneof(fc.constantFrom(0, 1, 2), fc.double({ min: 0, max: 3, noNaN: true }));
  const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), fc.array(fc.constantFrom(0, 1, 254, 255), { maxLength: 100 }));
  fc.assert(
    fc.property(anyBytes, fc.nat({ max: 255 }), anyFactor, fc.nat({ max: 9 }), (given, base, factor, shift) => {
      pair.reset();
      const bytes = Uint8Array.from(given);
      const [blended, saturated] = [put(bytes, shift), put(bytes, shift)];
      const pixels = Math.floor(bytes.length / 3);
      assert.equal(pair.compiled.sumGreys(saturated, pixels), pair.twin.sumGreys(saturated, pixels));
      both((kernels) => {
        kernels.blendBytes(blended, bytes.length, base, factor);
        kernels.saturate(saturated, pixels, factor);
      });
      pair.assertSame(blended, bytes.length + 16);
      pair.assertSame(saturated, bytes.length + 16);
    }),
    { numRuns: 2000 },
  );
});

test("turned hues agree with their twin in every byte, and no byte behind them changes", () => {
  const anyColour = fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 }), fc.nat({ max: 255 }));
  const nearGrey = fc.tuple(fc.nat({ max: 253 }), fc.nat({ max: 2 }), fc.nat({ max: 2 })).map(([a, b, c]) => [a + b, a, a + c]);
  fc.assert(
    fc.property(fc.array(fc.oneof(anyColour, nearGrey), { maxLength: 40 }), fc.integer({ min: -127, max: 127 }), (colours, turn) => {
      pair.reset();
      const pixels = put(Uint8Array.from(colours.flat()));
      both((kernels) => kernels.turnHue(pixels, colours.length, turn));
      pair.assertSame(pixels, colours.length * 3);
      assert.deepEqual(pair.compiled.bytes(pixels + colours.length * 3, 16), new Uint8Array(16).fill(0xa5));
    }),
    { numRuns: 3000 },
  );
});

test("a third of the circle makes the next primary of each, and no turn leaves them", () => {
  const primaries = Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255);
  const turned = (turn: number) => {
    pair.reset();
    const pixels = put(primaries);
    both((kernels) => kernels.turnHue(pixels, 3, turn));
    return [...pair.compiled.bytes(pixels, 9)];
  };
  assert.deepEqual(turned(0), [...primaries]);
  assert.deepEqual(turned(85), [0, 255, 0, 0, 0, 255, 255, 0, 0]);
});
