import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import sharp, { type Sharp } from "sharp";
import { uniform } from "#libs/deterministic";
import { temporaryDirectory } from "#libs/testing";
import { checkImageSet, encodePng, similarPairs } from "../index.ts";
import { writeFolder } from "../testing/image-folder.ts";

/** A smooth picture that differs from those of other numbers, in any format. */
function picture(number: number, side = 48): Sharp {
  const seeds = Uint8Array.from({ length: 36 }, (_, i) => Math.floor(256 * uniform(number, i)));
  return sharp(seeds, { raw: { width: 6, height: 6, channels: 1 } }).resize(side, side, { kernel: "cubic" });
}

const jpeg = (number: number, quality = 90) => picture(number).jpeg({ quality }).toBuffer();

/** Two domains of two classes with five different pictures each. */
async function goodFiles(): Promise<{ [path: string]: Uint8Array }> {
  const names = ["photo/cat", "photo/dog", "sketch/cat", "sketch/dog"].flatMap((folder) =>
    [0, 1, 2, 3, 4].map((i) => `${folder}/${i}.jpg`),
  );
  return Object.fromEntries(await Promise.all(names.map(async (name, number) => [name, await jpeg(number)])));
}
const good = await goodFiles();

async function check(files: { readonly [path: string]: Uint8Array | string }) {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, { ...good, ...files });
  const report = await checkImageSet(directory.path);
  return {
    ...report,
    said: report.problems.map(({ severity, kind, message }) => `${severity} ${kind}: ${message.replaceAll(directory.path, "ROOT")}`),
  };
}

test("a good folder is counted, and nothing is said", async () => {
  const progress: number[] = [];
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, { ...good, "photo/cat/0.jpg": await picture(0, 90).webp().toBuffer() });
  const report = await checkImageSet(directory.path, { onProgress: ({ images, total }) => progress.push(images / total) });
  assert.deepEqual([report.usable, report.problems, report.images, report.classes], [true, [], 20, ["cat", "dog"]]);
  assert.deepEqual(
    [report.smallest, report.largest],
    [
      { width: 48, height: 48 },
      { width: 90, height: 90 },
    ],
  );
  assert.deepEqual(
    report.domains.map(({ domain, images, classes }) => [domain, images, classes]),
    [
      [
        "photo",
        10,
        [
          { class: "cat", images: 5 },
          { class: "dog", images: 5 },
        ],
      ],
      [
        "sketch",
        10,
        [
          { class: "cat", images: 5 },
          { class: "dog", images: 5 },
        ],
      ],
    ],
  );
  assert.equal(
    report.bytes,
    report.domains.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  assert.deepEqual([progress.length, progress.at(-1)], [20, 1]);
});

/** The PNG of another size, with data for none of it. */
function hugePng(width: number, height: number): Uint8Array {
  const file = Buffer.from(encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(0) }));
  file.writeUInt32BE(width, 16);
  file.writeUInt32BE(height, 20);
  file.writeUInt32BE(crc32(file.subarray(12, 29)), 29);
  return file;
}

/** With a byte changed in the middle: its checksum is wrong. */
const damaged = (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 0xff : byte));
const cut = (bytes: Uint8Array) => bytes.subarray(0, bytes.length - (bytes.length >> 2));
const WRONG: [string, () => Promise<Uint8Array | string> | Uint8Array | string, string][] = [
  ["of 0 bytes", () => "", "empty-file: ROOT/photo/cat/x.jpg: the file is empty"],
  [
    "of text",
    () => "<html>Not found</html>",
    'not-an-image: ROOT/photo/cat/x.jpg: no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with "<html>Not found<"',
  ],
  [
    "of a drawing in SVG",
    () => "<svg width='9' height='9'/>",
    "not-an-image: ROOT/photo/cat/x.jpg: no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with \"<svg width='9' h\"",
  ],
  ["in JPEG, cut short", async () => cut(await jpeg(50)), "cut-short: ROOT/photo/cat/x.jpg: the JPEG file is cut short"],
  ["in PNG, cut short", async () => cut(await picture(50).png().toBuffer()), "cut-short: ROOT/photo/cat/x.jpg: the PNG file is cut short"],
  [
    "in WebP, cut short",
    async () => cut(await picture(50).webp().toBuffer()),
    "cut-short: ROOT/photo/cat/x.jpg: the WebP file is cut short",
  ],
  ["in GIF, cut short", async () => cut(await picture(50).gif().toBuffer()), "cut-short: ROOT/photo/cat/x.jpg: the GIF file is cut short"],
  [
    "in PNG, damaged",
    async () => damaged(await picture(50).png().toBuffer()),
    "unreadable: ROOT/photo/cat/x.jpg: the PNG file cannot be read: ",
  ],
  [
    "of 102 megapixels",
    () => hugePng(12_000, 8500),
    "too-many-pixels: ROOT/photo/cat/x.jpg: 12000 x 8500 pixels: images of more than 100,000,000 are not read",
  ],
];
for (const [name, bytes, said] of WRONG) {
  test(`a file ${name}: one sentence, and the set is not usable`, async () => {
    const report = await check({ "photo/cat/x.jpg": await bytes() });
    assert.equal(report.usable, false);
    assert.equal(report.images, 20);
    assert.equal(report.said.length, 1);
    assert.ok(report.said[0]!.startsWith(`error ${said}`), report.said[0]);
  });
}

test("threads find the same as none, in the order of the images", async () => {
  await using directory = await temporaryDirectory();
  const many = Array.from({ length: 210 }, (_, i) => [`photo/cat/${1000 + i}.jpg`, good["photo/cat/0.jpg"]!]);
  const wrong = { "photo/cat/1190.jpg": "", "photo/cat/1003.jpg": cut(good["photo/cat/0.jpg"]!), "photo/dog/9.png": "GIF89a" };
  await writeFolder(directory.path, { ...good, ...Object.fromEntries(many), ...wrong });
  const progress: number[] = [];
  const onProgress = ({ images, total }: { images: number; total: number }) => progress.push(total - images);
  const report = await checkImageSet(directory.path, { threads: 2, onProgress });
  assert.deepEqual(
    report.problems.filter(({ severity }) => severity === "error").map(({ message }) => message.replace(directory.path, "ROOT")),
    [
      "ROOT/photo/cat/1003.jpg: the JPEG file is cut short",
      "ROOT/photo/cat/1190.jpg: the file is empty",
      "ROOT/photo/dog/9.png: the GIF file is cut short",
    ],
  );
  assert.equal(progress.at(-1), 0);
  assert.deepEqual(report, await checkImageSet(directory.path, { threads: 0 }));
});

test("images that are equal are told of, with where: two domains, two classes, one class", async () => {
  const report = await check({
    "sketch/dog/copy.jpg": good["photo/dog/1.jpg"]!,
    "photo/cat/copy.jpg": good["photo/dog/2.jpg"]!,
    "sketch/cat/0b.jpg": good["sketch/cat/0.jpg"]!,
  });
  assert.equal(report.usable, true);
  assert.deepEqual(report.said, [
    'warning equal-images: "photo/cat/copy.jpg" and "photo/dog/2.jpg" are the same image, in two classes: one of them is wrong',
    'warning equal-images: "sketch/cat/0.jpg" and "sketch/cat/0b.jpg" are the same image, in one class: it counts twice',
    'warning equal-images: "photo/dog/1.jpg" and "sketch/dog/copy.jpg" are the same image, in two domains: what is learned in one is tested in the other',
  ]);
});

test("items that several domains show are told of: by a list, or where most names are of one class wherever they are", async () => {
  const names = Array.from({ length: 5 }, (_, i) => `${i}.jpg`);
  // The names of goodFiles are numbers that both classes have, and stand for nothing.
  const dogs = Object.fromEntries(
    ["photo", "sketch"].map((domain, d) => [domain, names.map((_, i) => `${domain}/dog/rex${i}.jpg|${20 + 5 * d + i}`)]),
  );
  const drawn = await Promise.all(
    Object.values(dogs)
      .flat()
      .map(async (text) => [text.split("|")[0]!, await jpeg(Number(text.split("|")[1]))] as const),
  );
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, { ...good, ...Object.fromEntries(drawn) });
  assert.deepEqual((await checkImageSet(directory.path)).problems, []);
  const more = await Promise.all(
    ["photo", "sketch"].flatMap((domain, d) =>
      Array.from({ length: 7 }, async (_, i) => [`${domain}/cat/tom${i}.jpg`, await jpeg(40 + 10 * d + i)] as const),
    ),
  );
  await writeFolder(directory.path, Object.fromEntries(more));
  assert.deepEqual(
    (await checkImageSet(directory.path)).problems.map(({ severity, kind, message }) => `${severity} ${kind}: ${message}`),
    [
      'warning shared-items: 12 items of 17 are in several domains, by the names of their files, such as "tom0" in "photo" and "sketch": if these are the same things, hold items out as well as domains (held-out-items in a run file)',
      'warning repeated-items: 5 items are in several classes, such as "0"',
      'warning repeated-items: 5 items are in a domain more than once, such as "0"',
    ],
  );
});

test("an image of another domain in another size, format and quality is told of as nearly equal", async () => {
  const report = await check({
    "sketch/dog/copy.png": await sharp(good["photo/dog/1.jpg"]!).resize(64, 64).jpeg({ quality: 40 }).toBuffer(),
  });
  assert.deepEqual(report.said, ['warning similar-images: "photo/dog/1.jpg" and "sketch/dog/copy.png" look nearly equal, in two domains']);
});

test("images that another folder holds too are told of: the same ones, and those that look nearly equal", async () => {
  await using directory = await temporaryDirectory();
  const small = await sharp(good["photo/dog/1.jpg"]!).resize(32, 32).png().toBuffer();
  await writeFolder(directory.join("own"), good);
  await writeFolder(directory.join("web"), {
    "w/a/copy.jpg": good["sketch/cat/2.jpg"]!,
    "w/b/small.png": small,
    "w/b/other.png": await picture(70).png().toBuffer(),
    "w/b/broken.png": "",
  });
  const { problems, usable } = await checkImageSet(directory.join("own"), { against: [directory.join("web")] });
  assert.ok(usable);
  assert.deepEqual(
    problems.map(({ message }) => message.replaceAll(directory.path, "ROOT")),
    [
      'the folder "ROOT/web" holds 1 image of this folder, which has 20 different ones: "sketch/cat/2.jpg" is its "w/a/copy.jpg"',
      '1 image of this folder looks nearly equal to images of the folder "ROOT/web": "photo/dog/1.jpg" to its "w/b/small.png"',
    ],
  );
});

test("alpha, 16 bits, four colours and moving pictures are images", async () => {
  const alpha = await picture(60).ensureAlpha(0.5).png().toBuffer();
  const deep = await picture(61).toColourspace("rgb16").png().toBuffer();
  const cmyk = await picture(62).toColourspace("cmyk").jpeg().toBuffer();
  const moving = await sharp(await Promise.all([picture(63).png().toBuffer(), picture(64).png().toBuffer()]), { join: { animated: true } })
    .gif()
    .toBuffer();
  const report = await check({
    "photo/cat/alpha.png": alpha,
    "photo/cat/deep.png": deep,
    "photo/cat/cmyk.jpg": cmyk,
    "photo/cat/moving.gif": moving,
  });
  assert.deepEqual([report.said, report.images, report.largest], [[], 24, { width: 48, height: 48 }]);
});

test("a check ends with its signal", async () => {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, good);
  await assert.rejects(checkImageSet(directory.path, { signal: AbortSignal.abort(new Error("enough")) }), /enough/);
});

test("pairs that look nearly equal are those that comparing all with all finds", () => {
  const ones = (word: number) => word.toString(2).replaceAll("0", "").length;
  // Few patterns and few changed bits, so that there are pairs at every distance.
  const anyLook = fc.tuple(
    fc.constantFrom(0x0f0f0f0f, 0x00ff00ff, 0x12345678),
    fc.array(fc.nat({ max: 31 }), { maxLength: 3 }),
    fc.nat({ max: 2 }),
  );
  fc.assert(
    fc.property(fc.array(anyLook, { maxLength: 25 }), (all) => {
      const looks = all.map(([pattern, flips]) => flips.reduce((word, bit) => word ^ (1 << bit), pattern) >>> 0);
      const group = Int32Array.from(all, ([, , place]) => place);
      const bits = Uint32Array.from(looks.flatMap((word) => [word, 0xabcdef]));
      const firsts = looks.map((word, row) => looks.findIndex((other, i) => other === word && group[i] === group[row]) === row);
      const expected = looks.flatMap((a, i) =>
        looks.flatMap((b, j) =>
          i < j && firsts[i] && firsts[j] && group[i] !== group[j] && ones((a ^ b) >>> 0) <= 3 ? [`${i} ${j}`] : [],
        ),
      );
      const found = [...similarPairs({ bits, group })].flatMap((pair) => (pair === undefined ? [] : [`${pair[0]} ${pair[1]}`]));
      assert.deepEqual(found.sort(), expected.sort());
    }),
  );
});
