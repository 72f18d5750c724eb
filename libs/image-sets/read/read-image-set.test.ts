import assert from "node:assert/strict";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { temporaryDirectory } from "#libs/testing";
import { ImageSetError, imagesOf, type Problem, readImageSet } from "../index.ts";
import { writeFolder } from "../testing/image-folder.ts";

const root = join(import.meta.dirname, "../../..");

/** Enough images of two classes that nothing is said of small ones. */
function domainFiles(domain: string, classes: readonly string[], count = 5): { [path: string]: number } {
  return Object.fromEntries(classes.flatMap((label) => Array.from({ length: count }, (_, i) => [`${domain}/${label}/${i}.png`, i])));
}

const good = { ...domainFiles("photo", ["cat", "dog"]), ...domainFiles("sketch", ["cat", "dog"]) };

async function read(files: { readonly [path: string]: string | Uint8Array | number }) {
  const directory = await temporaryDirectory();
  await writeFolder(directory.path, files);
  const set = await readImageSet(directory.path);
  await directory[Symbol.asyncDispose]();
  const shorten = ({ severity, kind, message }: Problem) => `${severity} ${kind}: ${message.replaceAll(directory.path, "ROOT")}`;
  return {
    ...set,
    names: [...imagesOf(set)].map((image) => `${image.domain}/${image.class}/${image.name}`),
    said: set.problems.map(shorten),
  };
}

test("folders domain/class/image are read in the order of code units, whatever the case of extensions and however deep", async () => {
  const set = await read({ ...good, "photo/cat/deep/er/1.JPEG": 1, "photo/cat/Z.Png": 2, "photo/cat/a.webp": 3, "photo/cat/é.gif": 4 });
  assert.deepEqual(set.domains, ["photo", "sketch"]);
  assert.deepEqual(set.classes, ["cat", "dog"]);
  assert.deepEqual(
    set.names.slice(5, 10),
    ["Z.Png", "a.webp", "deep/er/1.JPEG", "é.gif"].map((name) => `photo/cat/${name}`).concat("photo/dog/0.png"),
  );
  assert.deepEqual(set.said, []);
});

test("what is no image is left out and said, with its name", async () => {
  const set = await read({
    ...good,
    "photo/cat/.DS_Store": "x",
    "photo/dog/Thumbs.db": "x",
    "sketch/cat/notes.txt": "x",
    "sketch/cat/.hidden.jpg": "x",
    "sketch/dog/a.bmp": "x",
  });
  assert.equal(set.names.length, 20);
  assert.deepEqual(set.said, [
    'warning left-out: "ROOT/sketch/dog/a.bmp" was left out: images are read as JPEG, PNG, WebP, GIF, TIFF or AVIF',
    'warning left-out: 4 files that are no images were left out: ".DS_Store", "Thumbs.db" and "notes.txt", …',
  ]);
});

test("links to files and folders are followed; those to nothing and round in a circle are told of", async () => {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, good);
  await symlink(directory.join("photo/cat/1.png"), directory.join("photo/dog/linked.png"));
  await symlink(directory.join("sketch"), directory.join("copy"));
  await symlink("nowhere.png", directory.join("sketch/dog/broken.png"));
  await symlink("..", directory.join("sketch/dog/up"));
  const set = await readImageSet(directory.path);
  assert.deepEqual(set.domains, ["copy", "photo", "sketch"]);
  assert.equal([...imagesOf(set)].length, 31);
  const links = set.problems.map(({ severity, kind, message }) => `${severity} ${kind} ${message.replace(`"${directory.path}/`, "")}`);
  assert.deepEqual(links, [
    'warning link copy/dog/broken.png" is a link to nothing, or to a folder above it: it was left out',
    'warning link copy/dog/up" is a link to nothing, or to a folder above it: it was left out',
    'warning link sketch/dog/broken.png" is a link to nothing, or to a folder above it: it was left out',
    'warning link sketch/dog/up" is a link to nothing, or to a folder above it: it was left out',
  ]);
});

test("two links that lead to each other's folder end somewhere", async () => {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, good);
  await mkdir(directory.join("photo/cat/a"));
  await mkdir(directory.join("photo/cat/b"));
  await symlink("../b", directory.join("photo/cat/a/x"));
  await symlink("../a", directory.join("photo/cat/b/y"));
  const { problems } = await readImageSet(directory.path);
  assert.match(problems[0]?.message ?? "", /lies 16 folders deep: it was left out/);
});

const WRONG: [string, { readonly [path: string]: string | Uint8Array | number }, string][] = [
  ["an empty folder", {}, "error no-images: there is no image in ROOT: expected domain/class/image"],
  [
    "images right in the folder",
    { "a.png": 1, "b.png": 2 },
    "error images-in-root: 2 images lie right in ROOT: expected domain/class/image",
  ],
  [
    "folders of classes without domains",
    { "cat/1.png": 1, "dog/1.png": 1 },
    'error no-domains: the folders "cat" and "dog" in ROOT hold images and no folders of classes: expected domain/class/image; if they are classes, put them into one folder, with the name of their domain',
  ],
  [
    "one domain",
    domainFiles("photo", ["cat", "dog"]),
    'warning one-domain: ROOT has one domain, "photo": nothing can be held out, so it can be an auxiliary task, and no target with held-out domains',
  ],
  [
    "domains that lie one folder deeper, as those of PACS do",
    Object.fromEntries(Object.entries(good).map(([path, image]) => [`kfold/${path}`, image])),
    'warning one-domain: ROOT has one domain, "kfold": did you mean "ROOT/kfold", in which "photo" and "sketch" may be the domains?',
  ],
  [
    "a class that is missing in one domain",
    { ...good, ...domainFiles("photo", ["cow"]) },
    'warning class-missing: the class "cow" has no image in the domain "sketch"',
  ],
  [
    "a class with hardly an image",
    { ...good, "photo/cow/1.png": 1, ...domainFiles("sketch", ["cow"]) },
    'warning small-class: the class "cow" has only 1 image in the domain "photo"',
  ],
  [
    "classes that differ in case only",
    { ...domainFiles("photo", ["cat", "dog"]), ...domainFiles("sketch", ["Cat", "cat", "dog"]), ...domainFiles("photo", ["Cat"]) },
    'warning similar-names: class "Cat" and class "cat" are two: is one of them a slip?',
  ],
  [
    "one class only",
    { ...domainFiles("photo", ["cat"]), ...domainFiles("sketch", ["cat"]) },
    'error no-images: there is one class only, "cat": expected two or more',
  ],
  [
    "images in a domain and in no class",
    { ...good, "photo/x.png": 1 },
    'warning images-in-domain: 1 image right in "ROOT/photo", in no folder of a class, was left out',
  ],
  [
    "one domain of several without classes",
    { ...good, "paint/x.png": 1 },
    'error no-domains: the folder "ROOT/paint" holds images and no folders of classes, unlike others: expected domain/class/image',
  ],
  [
    "a folder without images",
    { ...good, "notes/a.txt": "x" },
    'warning empty-domain: there is no image of a class in "ROOT/notes": it is taken for no domain',
  ],
  [
    "a name with a control character",
    { ...good, "photo/cat/a\u0007.png": 1 },
    'error name: "ROOT/photo/cat/a\uFFFD.png": a name has to be Unicode without control characters; rename it',
  ],
  [
    "a class that classes.txt does not list",
    { ...good, "classes.txt": "cat\ndogs\n" },
    'error unknown-class: ROOT/photo/dog: there is no class "dog"; did you mean dogs?',
  ],
];
for (const [name, files, said] of WRONG) {
  test(`${name}: one sentence`, async () => {
    assert.equal((await read(files)).said[0], said);
  });
}

test("a folder that is not there, and a file in its place, are said", async () => {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, { file: "x" });
  const failure = async (name: string) => {
    const error = await readImageSet(directory.join(name)).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ImageSetError);
    return error.message.replace(directory.path, "ROOT");
  };
  assert.equal(await failure("none"), "the folder of images ROOT/none does not exist");
  assert.equal(await failure("file"), "ROOT/file is a file: expected a folder of images, domain/class/image");
});

test("classes.txt gives the order of the classes", async () => {
  const { classes } = await read({ ...good, "classes.txt": "\uFEFFdog\r\n\r\n cat \r\n" });
  assert.deepEqual(classes, ["dog", "cat"]);
});

/** Images of a domain in one folder, and a CSV with their labels. */
function labelled(domain: string, rows: string): { [path: string]: number | string } {
  return { ...Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`${domain}/images/${i}.png`, i])), [`${domain}/labels.csv`]: rows };
}
const rows = Array.from({ length: 10 }, (_, i) => `images/${i}.png,${i % 2 ? "cat" : "dog"}`).join("\n");

test("a CSV of labels gives the classes; quotes, other columns and a mark at the beginning are fine", async () => {
  const quoted = `\uFEFFid,File,CLASS\r\n${Array.from({ length: 10 }, (_, i) => `${i},"./images/${i}.png","${i % 2 ? "cat" : 'big, ""good"" dog'}"`).join("\r\n")}`;
  const set = await read({ ...labelled("photo", quoted), ...domainFiles("sketch", ["cat", 'big, "good" dog']) });
  assert.deepEqual(set.classes, ['big, "good" dog', "cat"]);
  assert.deepEqual(
    set.names.slice(0, 6),
    [0, 2, 4, 6, 8].map((i) => `photo/big, "good" dog/images/${i}.png`).concat("photo/cat/images/1.png"),
  );
  assert.deepEqual(set.said, []);
});

test("a column of items says what images show; where it is empty, the name does", async () => {
  const listed = `file,item,class\n${Array.from({ length: 10 }, (_, i) => `images/${i}.png,${i === 3 ? "" : ` bird ${i >> 1}`},${i % 2 ? "cat" : "dog"}`).join("\n")}`;
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, { ...labelled("photo", listed), ...domainFiles("sketch", ["cat", "dog"]) });
  const set = await readImageSet(directory.path);
  const items = [...imagesOf(set)].map(({ domain, name, item }) => [domain, name, item]).filter(([domain]) => domain === "photo");
  assert.deepEqual(items, [
    ...[1, 3, 5, 7, 9].map((i) => ["photo", `images/${i}.png`, i === 3 ? undefined : `bird ${i >> 1}`]),
    ...[0, 2, 4, 6, 8].map((i) => ["photo", `images/${i}.png`, `bird ${i >> 1}`]),
  ]);
});

const WRONG_LABELS: [string, string, string][] = [
  [
    "without a head",
    rows,
    'error labels: ROOT/photo/labels.csv line 1: expected a head with the columns file and class, separated by commas, found "images/0.png,dog"',
  ],
  ["without anything", "", "error labels: ROOT/photo/labels.csv is empty: expected a head with the columns file and class"],
  [
    "with semicolons",
    `file;class\n${rows}`,
    'error labels: ROOT/photo/labels.csv line 1: expected a head with the columns file and class, separated by commas, found "file;class"',
  ],
  [
    "with an image that is not there",
    `file,class\n${rows}\nimages/10.png,cat`,
    'error missing-file: ROOT/photo/labels.csv line 12: there is no image "images/10.png" in ROOT/photo',
  ],
  [
    "with a path out of the folder",
    `file,class\n${rows}\n../sketch/cat/1.png,cat`,
    'error missing-file: ROOT/photo/labels.csv line 12: there is no image "../sketch/cat/1.png" in ROOT/photo',
  ],
  [
    "with two classes for one image",
    `file,class\n${rows}\nimages/1.png,dog`,
    'error duplicate-row: ROOT/photo/labels.csv line 12: "images/1.png" is of the class "dog" here, and of "cat" before',
  ],
  [
    "with one row twice",
    `file,class\n${rows}\nimages/1.png,cat`,
    'warning duplicate-row: ROOT/photo/labels.csv line 12: "images/1.png" has a row before with the same class',
  ],
  [
    "with a short row",
    `file,class\n${rows}\nimages/1.png`,
    "error labels: ROOT/photo/labels.csv line 12: expected 2 fields as in the head, found 1",
  ],
  ["with an empty class", `file,class\nimages/0.png,`, 'error labels: ROOT/photo/labels.csv line 2: the class of "images/0.png" is empty'],
  [
    "with a quote that is never closed",
    `file,class\n"images/0.png,dog`,
    "error labels: ROOT/photo/labels.csv line 2: a quote is never closed",
  ],
  [
    "without rows for some images",
    `file,class\n${rows.split("\n").slice(1).join("\n")}`,
    'warning unlabelled: 1 image in ROOT/photo is in no row of labels.csv that counts, and left out: "images/0.png"',
  ],
];
for (const [name, text, said] of WRONG_LABELS) {
  test(`a CSV ${name}: one sentence`, async () => {
    const set = await read({ ...labelled("photo", text), ...domainFiles("sketch", ["cat", "dog"]) });
    assert.equal(set.said[0], said);
  });
}

test("a CSV with an unknown class says which there are, where classes.txt lists them", async () => {
  const set = await read({
    ...labelled("photo", `file,class\n${rows}\nimages/1.png,catt`),
    ...domainFiles("sketch", ["cat", "dog"]),
    "classes.txt": "cat\ndog",
  });
  assert.equal(
    set.said[0],
    'error duplicate-row: ROOT/photo/labels.csv line 12: "images/1.png" is of the class "catt" here, and of "cat" before',
  );
  const typo = await read({
    ...labelled("photo", `file,class\n${rows.replace("9.png,cat", "9.png,catt")}`),
    ...domainFiles("sketch", ["cat", "dog"]),
    "classes.txt": "cat\ndog",
  });
  assert.equal(typo.said[0], 'error unknown-class: ROOT/photo/labels.csv line 11: there is no class "catt"; did you mean cat?');
});

test("a CSV that is not UTF-8 is said", async () => {
  const set = await read({
    ...labelled("photo", ""),
    "photo/labels.csv": Uint8Array.of(0x66, 0xff, 0xfe),
    ...domainFiles("sketch", ["cat", "dog"]),
  });
  assert.equal(set.said[0], "error labels: ROOT/photo/labels.csv is not UTF-8");
});

test("idx files are domains, packed or not, and their images PNG files", async () => {
  const [images, labels] = await Promise.all(
    ["images-idx3-ubyte", "labels-idx1-ubyte"].map((name) => readFile(join(root, "data/digits", name))),
  );
  const set = await read({
    "train-images-idx3-ubyte.gz": gzipSync(images!),
    "train-labels-idx1-ubyte.gz": gzipSync(labels!),
    "t10k-images.idx3-ubyte": images!,
    "t10k-labels.idx1-ubyte": labels!,
  });
  assert.deepEqual(set.said, []);
  assert.deepEqual(set.domains, ["t10k", "train"]);
  assert.deepEqual(set.classes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  assert.equal(set.names.length, 2 * 1797);
  assert.equal(set.names[0], "t10k/0/t10k-0000000.png");
});

test("idx files may be the domain of a folder", async () => {
  const digits = join(root, "data/digits");
  const set = await read({
    "one/images-idx3-ubyte": await readFile(join(digits, "images-idx3-ubyte")),
    "one/labels-idx1-ubyte": await readFile(join(digits, "labels-idx1-ubyte")),
    ...domainFiles("two", ["0", "1"]),
  });
  assert.deepEqual(set.domains, ["one", "two"]);
  assert.equal(set.names[0], "one/0/all-0000000.png");
});

test("idx files that are cut short, alone or do not match are said", async () => {
  const images = await readFile(join(root, "data/digits/images-idx3-ubyte"));
  const labels = await readFile(join(root, "data/digits/labels-idx1-ubyte"));
  const said = async (files: { [path: string]: Uint8Array }) => (await read(files)).said[0];
  assert.match(
    (await said({ "train-images-idx3-ubyte": images.subarray(0, 1000), "train-labels-idx1-ubyte": labels })) ?? "",
    /^error idx: ROOT\/train-images-idx3-ubyte: not a valid idx file: it is cut short/,
  );
  assert.equal(
    await said({ "train-images-idx3-ubyte": images }),
    "error idx: ROOT/train-images-idx3-ubyte: the file of the labels that belongs to it is missing",
  );
  const few = Buffer.concat([Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2), Uint8Array.of(1, 2)]);
  assert.equal(
    await said({ "train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": few }),
    "error idx: ROOT/train-labels-idx1-ubyte has 2 labels: expected 1797, one for each image of train-images-idx3-ubyte",
  );
  assert.match(
    (await said({ "train-images-idx3-ubyte.gz": images, "train-labels-idx1-ubyte": labels })) ?? "",
    /^error idx: ROOT\/train-images-idx3-ubyte.gz: cannot be unpacked or read/,
  );
});
