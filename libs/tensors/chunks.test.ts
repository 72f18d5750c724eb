import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutIntoChunks } from "./index.ts";

const MIB = 1 << 20;

/** A header of tensors of so many bytes. */
function headerOf(sizes: readonly number[], dataOffset: number) {
  let end = 0;
  const tensors = new Map(
    sizes.map((size, i) => {
      const begin = end;
      end += size;
      return [`t${i}`, { dtype: "U8" as const, shape: [size], begin, end }];
    }),
  );
  return { header: { tensors, dataOffset }, size: dataOffset + end };
}

const sizes = fc.array(fc.oneof(fc.nat(3 * MIB), fc.nat(9000), fc.constantFrom(0, 4095, 4096, MIB, MIB + 4095, MIB + 4096)), {
  maxLength: 12,
});

test("chunks cover a file once, are at most 1 MiB, and those of a tensor do not depend on what is around it", () => {
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: 8, max: 2 * MIB }), (some, others, dataOffset) => {
      const { header, size } = headerOf([...others, ...some], dataOffset);
      const chunks = cutIntoChunks(header, size);
      let at = 0;
      for (const { offset, length, shareable } of chunks) {
        assert.equal(offset, at);
        assert.ok(length > 0 && length <= MIB && (!shareable || length >= 4096));
        at += length;
      }
      assert.equal(at, size);
      const alone = headerOf(some, 8);
      const shared = (list: typeof chunks) => list.filter(({ shareable }) => shareable).map(({ length }) => length);
      const own = shared(cutIntoChunks(alone.header, alone.size));
      assert.deepEqual(shared(chunks).slice(shared(chunks).length - own.length), own);
    }),
  );
});
