import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { finish } from "#libs/concurrency";
import { type ImageIndex, imageLeaks, imagesInDomains, packImages, type SeenImages, subsetOfIndex } from "./index.ts";
import { smallPng } from "./testing/image-folder.ts";

/** The index of images of one class "bird" in some domains; equal numbers are equal images. */
async function indexOf(domains: { readonly [domain: string]: readonly number[] }): Promise<ImageIndex> {
  const images = Object.entries(domains).flatMap(([domain, numbers]) =>
    numbers.map((number, i) => ({ domain, class: "bird", name: `${i}-${number}.png`, content: { make: () => smallPng(number) } })),
  );
  const packing = packImages(images, { classes: ["bird"] });
  for await (const { bytes } of packing.shards) assert.ok(bytes > 0);
  return packing.index();
}

const leaksOf = (ours: SeenImages, seen: readonly SeenImages[]) => finish(imageLeaks(ours, seen));
const target = {
  label: "the target",
  digests: ["sha256:target", "sha256:shard"],
  index: await indexOf({ photo: [1, 2, 3], sketch: [4, 4] }),
};

test("a model that was trained on the target's data set, or on what it was made of, is told of without looking at images", () => {
  const leaks = leaksOf(target, [{ label: "the foundation", digests: ["sha256:other", "sha256:shard"] }]);
  assert.deepEqual(leaks, [
    { label: "the foundation", severity: "error", images: 5, message: "the foundation was trained on the data set of the target" },
  ]);
});

test("images of equal bytes are found in whatever folder, and counted once", async () => {
  const index = await indexOf({ web: [9, 3, 4, 3] });
  assert.deepEqual(leaksOf(target, [{ label: "the auxiliary web", digests: ["sha256:web"], index }]), [
    {
      label: "the auxiliary web",
      severity: "error",
      images: 2,
      message: 'the auxiliary web holds 2 images of the target, which has 4 different ones: "photo/bird/2-3.png" is its "web/bird/1-3.png"',
    },
  ]);
});

test("images that several domains of the target hold are told of, once each, and equal ones of one domain are not", async () => {
  assert.equal(finish(imagesInDomains(target)), undefined);
  const index = await indexOf({ art: [5, 1, 1], photo: [2, 1], sketch: [1, 2, 3] });
  assert.equal(
    finish(imagesInDomains({ ...target, index })),
    '2 images of the target are in several of its domains, such as "art/bird/1-1.png" and "photo/bird/1-1.png": what is learned in one is tested in the other',
  );
});

test("two parts of one data set leak nothing into each other, though they lie in the same shards", async () => {
  const all = await indexOf({ photo: [1, 2], sketch: [3, 4] });
  const part = (domain: string) => ({ label: domain, digests: [`sha256:${domain}`], index: subsetOfIndex(all, { domains: [domain] }) });
  assert.deepEqual(part("photo").index.shards, part("sketch").index.shards);
  assert.deepEqual(leaksOf(part("photo"), [part("sketch")]), []);
  assert.equal(leaksOf(part("photo"), [{ ...part("photo"), digests: [] }])[0]?.images, 2);
});

test("images that look nearly equal are told of as a warning; equal ones are not told of twice", async () => {
  const index = await indexOf({ web: [1, 8] });
  const looks = Uint32Array.of(0xf0f0f0f0, 0xff00ff00, 0x12345678, 0x9abcdef0);
  const targetLooks = Uint32Array.of(0xf0f0f0f0, 0xff00ff00, 0x12345679, 0x9abcdef0, 0x00ff00ff, 0, 0x0f0f0f0f, 7, 0x0f0f0f0f, 7);
  const leaks = leaksOf({ ...target, looks: targetLooks }, [{ label: "the auxiliary web", digests: [], index, looks }]);
  assert.deepEqual(
    leaks.map(({ severity, images }) => [severity, images]),
    [
      ["error", 1],
      ["warning", 1],
    ],
  );
  assert.equal(
    leaks[1]?.message,
    '1 image of the target looks nearly equal to images of the auxiliary web: "photo/bird/1-2.png" to its "web/bird/1-8.png"',
  );
});

test("the number of images that leak is that of the numbers that two sets share", async () => {
  const anyNumbers = fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(anyNumbers, anyNumbers, async (ours, theirs) => {
      const [a, b] = await Promise.all([indexOf({ a: ours }), indexOf({ b: theirs })]);
      const leaks = leaksOf({ label: "a", digests: [], index: a }, [{ label: "b", digests: [], index: b }]);
      assert.equal(leaks[0]?.images ?? 0, new Set(ours.filter((number) => theirs.includes(number))).size);
    }),
    { numRuns: 30 },
  );
});
