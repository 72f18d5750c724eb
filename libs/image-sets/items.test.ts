import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { finish } from "#libs/concurrency";
import { heldOutItems, type ImageIndex, itemLeaks, itemOfRow, packImages, splitByItems } from "./index.ts";
import { smallPng } from "./testing/image-folder.ts";

type Named = { readonly domain: string; readonly name: string; readonly item?: string };

async function indexOf(images: readonly Named[]): Promise<ImageIndex> {
  const packing = packImages(
    images.map((image, i) => ({ class: "bird", content: { make: () => smallPng(i) }, ...image })),
    { classes: ["bird"] },
  );
  for await (const { bytes } of packing.shards) assert.ok(bytes > 0);
  return packing.index();
}

const each = (domain: string, items: readonly string[]): Named[] => items.map((item) => ({ domain, name: `${item}.png` }));
const namesOf = (index: ImageIndex, rows: Iterable<number>) => Array.from(rows, (row) => itemOfRow(index, row));

test("an item is what a list says, or else the name of the file without folders and extension", async () => {
  const index = await indexOf([
    { domain: "photo", name: "deep/1f600.v2.png", item: "grin" },
    { domain: "photo", name: "deep/1f600.v2.png" },
    { domain: "photo", name: ".png.png" },
  ]);
  assert.deepEqual(namesOf(index, [0, 1, 2]), ["grin", "1f600.v2", ".png"]);
});

test("places are those that Python's hashlib gives, for testing in all trials and for validation in each", async () => {
  // int.from_bytes(sha256(b"test/7").digest()[:6], "big") / 2 ** 48, and so on: 7 and 8 are below 0.2, 0 and 5 are for validation in trial 0.
  const index = await indexOf([...each("photo", [..."0123456789"]), ...each("sketch", [..."9876543210"])]);
  const [photo, sketch] = splitByItems(index, { test: 0.2, fraction: 0.2, trial: 0 });
  assert.deepEqual([namesOf(index, photo!.test), namesOf(index, photo!.validation)], [["7", "8"], [..."05"]]);
  assert.deepEqual(
    [namesOf(index, sketch!.test), namesOf(index, sketch!.validation)],
    [
      ["8", "7"],
      ["5", "0"],
    ],
  );
  assert.deepEqual([...sketch!.training], [10, 13, 15, 16, 17, 18]);
  assert.deepEqual(finish(heldOutItems(index, 0.3)), [
    { domain: "photo", items: 3, images: 3 },
    { domain: "sketch", items: 3, images: 3 },
  ]);
  const words = await indexOf(each("photo", ["owl", "übung", "1f601"]));
  const [all] = splitByItems(words, { test: 0.45, fraction: 0.6, trial: 7 });
  // test/owl .442; validation/7/übung .628, validation/7/1f601 .57
  assert.deepEqual(
    [all!.test, all!.validation, all!.training].map((rows) => namesOf(words, rows)),
    [["owl"], ["1f601"], ["übung"]],
  );
});

test("whatever the images: every row is in one part, an item is on one side in all domains, and stays there when others are added", async () => {
  const anyImage = fc.record({ domain: fc.constantFrom("a", "b", "c"), item: fc.nat(30).map(String), name: fc.constant("x.png") });
  const shares = fc.record({
    test: fc.double({ min: 0, max: 0.9, noNaN: true }),
    fraction: fc.double({ min: 0, max: 0.9, noNaN: true }),
    trial: fc.nat(9),
  });
  const many = fc.array(anyImage, { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(many, many, shares, fc.nat(9), async (images, added, options, trial) => {
      const index = await indexOf(images);
      const sides = (of: ImageIndex, trialOf: number) => {
        const found = new Map<string, string>();
        const rows: number[] = [];
        for (const part of splitByItems(of, { ...options, trial: trialOf }))
          for (const [side, own] of Object.entries(part))
            for (const row of own) {
              const item = itemOfRow(of, row);
              assert.equal(found.get(item) ?? side, side, item);
              found.set(item, side);
              rows.push(row);
            }
        assert.deepEqual(
          rows.sort((a, b) => a - b),
          [...Array(of.count).keys()],
        );
        return found;
      };
      const before = sides(index, options.trial);
      const [after, other] = [sides(await indexOf([...images, ...added]), options.trial), sides(index, trial)];
      for (const [item, side] of before) {
        assert.equal(after.get(item), side);
        assert.equal(other.get(item) === "test", side === "test");
      }
    }),
    { numRuns: 30 },
  );
});

test("a model that has learned an item that is held out is told of, by its name, as far as its training did not hold it out too", async () => {
  const target = { label: "the target", digests: ["sha256:target"], index: await indexOf(each("photo", [..."0123456789"])) };
  const index = await indexOf(each("web", ["7", "4", "x", "0"]));
  const seen = (heldOut: number) => finish(itemLeaks(target, 0.3, [{ label: "the auxiliary web", digests: [], index, heldOut }]));
  assert.deepEqual(seen(0), [
    {
      ...{ label: "the auxiliary web", severity: "error", images: 2 },
      message: 'the auxiliary web was trained on 2 of the 3 items of the target that are held out, by the names of its images: "7"',
    },
  ]);
  assert.equal(seen(0.2)[0]?.images, 1);
  assert.deepEqual(seen(0.3), []);
  assert.deepEqual(finish(itemLeaks(target, 0.3, [{ label: "unknown", digests: [], heldOut: 0 }])), []);
});
