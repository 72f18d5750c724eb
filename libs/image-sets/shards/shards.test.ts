import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { writeTarHeader } from "#libs/files";
import { digestOf } from "#libs/recipes";
import { writeSafetensors } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import {
  decodeIndex,
  encodeIndex,
  type ImageIndex,
  ImageSetError,
  imagesOf,
  indexShards,
  itemOfRow,
  type LabelledImage,
  nameOfRow,
  packImages,
  readImageSet,
  type Shard,
  stemOf,
  subsetOfIndex,
} from "../index.ts";
import { smallPng, writeFolder } from "../testing/image-folder.ts";

type Packed = { readonly index: ImageIndex; readonly shards: ReadonlyMap<string, Uint8Array>; readonly list: readonly Shard[] };

async function pack(images: Iterable<LabelledImage>, classes: readonly string[], shardBytes?: number): Promise<Packed> {
  const packing = packImages(images, { classes, ...(shardBytes === undefined ? {} : { shardBytes }) });
  const shards = new Map<string, Uint8Array>();
  const list: Shard[] = [];
  for await (const { digest, bytes, content } of packing.shards) {
    // The next shard takes the place of this one.
    shards.set(digest, content.slice());
    list.push({ digest, bytes });
  }
  return { index: packing.index(), shards, list };
}

/** The index of shards, which come in pieces of a size. */
function indexOf({ shards, list }: Packed, pieceBytes = 1000): Promise<ImageIndex> {
  async function* pieces(bytes: Uint8Array) {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  }
  return indexShards(list.map((shard) => ({ ...shard, content: pieces(shards.get(shard.digest)!) })));
}

const made = (domain: string, label: string, name: string, bytes: Uint8Array): LabelledImage => ({
  domain,
  class: label,
  name,
  content: { make: () => bytes },
});

test("whatever the images and the size of shards: the index of the shards is that of the packing, and has every file and name", async () => {
  const anyName = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).map((text) => `${text.toWellFormed()}.jpg`);
  const anyImage = fc.record({
    domain: fc.constantFrom("photo", "sketch", "art & craft"),
    label: fc.constantFrom("cat", "dog"),
    name: anyName,
    item: fc.option(fc.string({ unit: "grapheme", maxLength: 5 }), { nil: undefined }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 1500 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyImage, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 6 * 1024, max: 20_000 }),
      fc.integer({ min: 1, max: 5000 }),
      async (images, shardBytes, pieceBytes) => {
        const classes = [...new Set(images.map(({ label }) => label))];
        const packed = await pack(
          images.map(({ domain, label, name, item, bytes }) => ({ ...made(domain, label, name, bytes), item })),
          classes,
          shardBytes,
        );
        const { index, shards, list } = packed;
        assert.ok(list.every(({ bytes, digest }) => bytes <= shardBytes && digest === digestOf(shards.get(digest)!)));
        assert.deepEqual(await indexOf(packed, pieceBytes), index);
        assert.deepEqual(decodeIndex(encodeIndex(index)), index);
        assert.deepEqual(subsetOfIndex(index, {}), index);
        assert.equal(index.items === undefined, !images.some(({ item }) => item));
        images.forEach(({ domain, label, name, item, bytes }, row) => {
          const shard = shards.get(index.shards[index.shard[row]!]!.digest)!;
          assert.deepEqual(shard.subarray(index.offset[row]!, index.offset[row]! + index.bytes[row]!), bytes);
          assert.deepEqual(
            [index.domains[index.domain[row]!], index.classes[index.class[row]!], nameOfRow(index, row)],
            [domain, label, name],
          );
          assert.equal(itemOfRow(index, row), item || stemOf(name));
          assert.deepEqual(Buffer.from(index.sha256.subarray(row * 32, row * 32 + 32)), createHash("sha256").update(bytes).digest());
        });
      },
    ),
    { numRuns: 50 },
  );
});

const FILES = { "photo/cat/b.jpg": 1, "photo/cat/a.png": 2, "photo/dog/é.PNG": 3, "sketch/cat/x.webp": 4, "sketch/dog/deep/y.gif": 5 };

test("a folder has the same shards wherever it lies and in whatever order it was written, and gives back its files", async () => {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.join("one"), FILES);
  await writeFolder(directory.join("other"), Object.fromEntries(Object.entries(FILES).reverse()));
  const [one, other] = await Promise.all(["one", "other"].map((name) => readImageSet(directory.join(name))));
  const packed = await pack(imagesOf(one!), one!.classes);
  assert.deepEqual(await pack(imagesOf(other!), other!.classes), packed);
  // The archive of this digest was read by GNU tar, Python's tarfile and the package webdataset.
  assert.deepEqual(packed.list, [{ digest: "sha256:8120166e189adddccb1162c3ab18ce7db963976edf9ca92798fc772061652baa", bytes: 16384 }]);
  for (const [digest, bytes] of packed.shards) await writeFile(directory.join(digest.slice(7)), bytes);
  const { index } = packed;
  for (const [row, image] of [...imagesOf(one!)].entries()) {
    const path = "path" in image.content ? image.content.path : "";
    const begin = index.offset[row]!;
    const shard = packed.shards.get(index.shards[index.shard[row]!]!.digest)!;
    assert.deepEqual(shard.subarray(begin, begin + index.bytes[row]!), new Uint8Array(await readFile(path)));
  }
  const streamed = await indexShards(
    packed.list.map((shard) => ({ ...shard, content: createReadStream(directory.join(shard.digest.slice(7))) })),
  );
  assert.deepEqual(streamed, packed.index);
});

test("a subset is an index of its own over the shards that it needs", async () => {
  const images = ["photo", "sketch", "art"].flatMap((domain) =>
    ["cat", "cow", "dog"].map((label, i) => made(domain, label, `${domain}${i}.png`, smallPng(i))),
  );
  const { index } = await pack(images, ["cat", "cow", "dog"], 10_000);
  assert.equal(index.shards.length, 5);
  const subset = subsetOfIndex(index, { domains: ["art", "photo"], classes: ["dog", "cat"] });
  assert.deepEqual(
    [subset.domains, subset.classes],
    [
      ["photo", "art"],
      ["cat", "dog"],
    ],
  );
  assert.deepEqual(
    Array.from({ length: subset.count }, (_, row) => nameOfRow(subset, row)),
    ["photo0.png", "photo2.png", "art0.png", "art2.png"],
  );
  assert.deepEqual([...subset.domain], [0, 0, 1, 1]);
  assert.deepEqual([...subset.class], [0, 1, 0, 1]);
  assert.deepEqual(
    subset.shards,
    [0, 1, 3, 4].map((shard) => index.shards[shard]),
  );
  assert.deepEqual(subsetOfIndex(index, {}), index);
  assert.deepEqual(decodeIndex(encodeIndex(subset)), subset);
  const failure = (spec: Parameters<typeof subsetOfIndex>[1], message: string) =>
    assert.throws(() => subsetOfIndex(index, spec), new ImageSetError(message));
  failure({ domains: ["photos"] }, 'there is no domain "photos"; did you mean photo?');
  failure({ classes: ["bird"] }, 'there is no class "bird"; there are cat, cow, dog');
  failure({ classes: ["dog", "dog"] }, 'the class "dog" is named twice');
  failure({ classes: [] }, "no image is in one of the domains and of one of the classes that are named");
});

const refusal = (message: RegExp | string) => (error: unknown) => {
  assert.ok(error instanceof ImageSetError, String(error));
  if (typeof message === "string") assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

test("images that cannot be packed are said by name", async () => {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, { "photo/cat/empty.jpg": "", "photo/cat/gone.jpg": 1 });
  const at = (name: string): LabelledImage => ({
    domain: "photo",
    class: "cat",
    name,
    content: { path: directory.join("photo/cat", name) },
  });
  await assert.rejects(pack([at("empty.jpg")], ["cat"]), refusal(`${directory.join("photo/cat/empty.jpg")} is empty: it has 0 bytes`));
  await assert.rejects(pack([at("other.jpg")], ["cat"]), refusal(`${directory.join("photo/cat/other.jpg")} cannot be read: it is gone`));
  await assert.rejects(
    pack([made("photo", "cat", "a.txt", smallPng(1))], ["cat"]),
    refusal('"a.txt" has no extension of an image that can be read'),
  );
  await assert.rejects(
    pack([made("photo", "cat", "a.jpg", new Uint8Array(9000))], ["cat"], 9000),
    refusal('"photo/cat/a.jpg" has 9000 bytes: an image may have 9000 with its labels at most'),
  );
});

test("packing ends with its signal", async () => {
  const { shards } = packImages([made("photo", "cat", "a.png", smallPng(1)), made("photo", "cat", "b.png", smallPng(2))], {
    classes: ["cat"],
    shardBytes: 5000,
    signal: AbortSignal.abort(new Error("enough")),
  });
  await assert.rejects(Array.fromAsync(shards), /enough/);
});

test("shards that are cut short, changed or something else are refused with the place", async () => {
  const packed = await pack([made("photo", "cat", "a.png", smallPng(1)), made("photo", "dog", "b.png", smallPng(2))], ["cat", "dog"]);
  const [shard] = packed.list;
  const bytes = packed.shards.get(shard!.digest)!;
  const index = (content: Uint8Array) => indexOf({ ...packed, shards: new Map([[shard!.digest, content]]) });
  const edited = (edit: (copy: Uint8Array) => void) => {
    const copy = bytes.slice();
    edit(copy);
    return copy;
  };
  await assert.rejects(index(bytes.subarray(0, 700)), refusal("shard 0 is cut short: it ends inside of 000000000.png"));
  await assert.rejects(
    index(bytes.subarray(0, 1024)),
    refusal("shard 0 is cut short: it ends after 1024 bytes, without the end of an archive"),
  );
  await assert.rejects(
    index(edited((copy) => copy.fill(0x41, 0, 5))),
    refusal("shard 0 is no tar archive: at byte 0, the checksum of a header is not that of its bytes"),
  );
  await assert.rejects(index(Buffer.from("x".repeat(2000))), refusal(/^shard 0 is no tar archive/));
  // The number of the class stands behind the first header of a .cls file.
  await assert.rejects(
    index(edited((copy) => copy.set(Buffer.from("x"), 1536))),
    refusal('shard 0: the files of "000000000": the class is "x", expected a number'),
  );
  await assert.rejects(
    index(edited((copy) => copy.set(Buffer.from("1"), 1536))),
    refusal('shard 0: 000000001.png has the class 1, "dog", which others have otherwise'),
  );
  const withClass = (text: string) => (copy: Uint8Array) => {
    writeTarHeader(copy.subarray(1024, 1536), "000000000.cls", text.length);
    copy.set(Buffer.from(text), 1536);
  };
  await assert.rejects(
    index(edited(withClass("999999999"))),
    refusal('shard 0: the files of "000000000": the class is 999999999, expected one below 65536'),
  );
});

test("bytes that are no index are refused with the column", async () => {
  const { index } = await pack([made("photo", "cat", "a.png", smallPng(1))], ["cat"]);
  assert.throws(() => decodeIndex(Buffer.from("no index at all")), refusal(/^not an index of images or records: /));
  assert.throws(
    () => decodeIndex(writeSafetensors([], { format: "pt" })),
    refusal("not an index of images or records: its format is pt, expected ratatouille-images/1 or ratatouille-records/1"),
  );
  assert.throws(
    () => decodeIndex(encodeIndex({ ...index, classes: [] })),
    refusal("not an index of images or records: row 0 has the class 0, expected 0 to -1"),
  );
  assert.throws(
    () => decodeIndex(encodeIndex({ ...index, offset: Float64Array.of(1e6) })),
    refusal("not an index of images or records: row 0 is beyond the end of its shard"),
  );
  assert.throws(
    () => decodeIndex(encodeIndex({ ...index, nameEnd: Int32Array.of(9) })),
    refusal("not an index of images or records: the name of row 0 ends at 9, before it begins or after all names"),
  );
  assert.throws(
    () => decodeIndex(encodeIndex({ ...index, items: { text: Uint8Array.of(65), end: Int32Array.of(2) } })),
    refusal("not an index of images or records: the item of row 0 ends at 2, before it begins or after all items"),
  );
});
