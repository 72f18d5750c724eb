import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readAhead } from "./read-ahead.ts";
import { type ByteSource, bytesSource } from "./source.ts";

/** A source that remembers what was read from it. */
function recorded(bytes: Uint8Array): ByteSource & { reads: [number, number][] } {
  const source = bytesSource(bytes);
  const reads: [number, number][] = [];
  return {
    size: source.size,
    reads,
    read(offset, length) {
      reads.push([offset, length]);
      return source.read(offset, length);
    },
  };
}

test("any read gives the bytes of the source", async () => {
  const anyRange = fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 40 }));
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 40 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(anyRange),
      async (bytes, blockBytes, ranges) => {
        const source = readAhead(bytesSource(bytes), blockBytes);
        for (const [offset, length] of ranges) {
          if (offset + length > bytes.length) await assert.rejects(source.read(offset, length), RangeError);
          else assert.deepEqual(await source.read(offset, length), bytes.slice(offset, offset + length));
        }
      },
    ),
  );
});

test("reading a file from start to end in small pieces fetches each block once", async () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  const source = recorded(bytes);
  const ahead = readAhead(source, 32);
  for (let offset = 0; offset < 100; offset += 7) await ahead.read(offset, Math.min(7, 100 - offset));
  assert.deepEqual(source.reads, [
    [0, 32],
    [32, 32],
    [64, 32],
    [96, 4],
  ]);
});
