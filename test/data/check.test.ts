import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageReport } from "#libs/image-sets";
import { temporaryDirectory } from "#libs/testing";
import { columnsOf } from "#libs/text";
import { smallPng, writeFolder } from "../../libs/image-sets/testing/image-folder.ts";
import { runCli } from "../e2e/cli.ts";

/** Two domains of two classes, all images different. */
const files = Object.fromEntries(
  ["photo/cat", "photo/dog", "sketch/cat", "sketch/dog"].flatMap((folder, f) =>
    [0, 1, 2, 3, 4].map((i) => [`${folder}/${i}.png`, 5 * f + i]),
  ),
);

async function check(changes: Parameters<typeof writeFolder>[1], ...options: string[]) {
  await using directory = await temporaryDirectory();
  await writeFolder(directory.path, { ...files, ...changes });
  const result = await runCli(["data", "check", directory.path, ...options]);
  return { ...result, stdout: result.stdout.replaceAll(directory.path, "ROOT") };
}

test("a folder that can be used is shown as a table, and the exit code is 0", async () => {
  const { code, stdout } = await check({});
  assert.equal(code, 0);
  const lines = stdout.split("\n");
  assert.equal(lines[0], "ROOT  20 images, 4.0 kB, 2 domains, 2 classes, 12 x 10 pixels");
  assert.deepEqual(lines.slice(2, 9), [
    "domain  images  size    classes  fewest images of a class",
    "photo   10      2.0 kB  2        5 of cat",
    "sketch  10      2.0 kB  2        5 of cat",
    "",
    "class  photo  sketch",
    "cat    5      5",
    "dog    5      5",
  ]);
  assert.ok(lines.every((line) => columnsOf(line) <= 80));
});

test("errors come first and make the exit code 1; --json has everything", async () => {
  const changes = { "photo/cat/x.jpg": "not an image", "photo/cow/1.png": smallPng(77) };
  const { code, stdout } = await check(changes);
  assert.equal(code, 1);
  assert.match(stdout, /\nerror {4}ROOT\/photo\/cat\/x.jpg: no JPEG, PNG, WebP, GIF, TIFF or AVIF: the file begins with "not an image"\n/);
  assert.match(stdout, /\nwarning {2}the class "cow" has no image in the domain "sketch"\n/);
  assert.match(stdout, /\nnot usable: 1 error to be mended first.\n$/);
  const json = await check(changes, "--json");
  const report = JSON.parse(json.stdout) as ImageReport;
  assert.deepEqual([json.code, report.usable, report.images, report.classes], [1, false, 21, ["cat", "cow", "dog"]]);
  assert.deepEqual(report.problems.map(({ kind }) => kind).slice(0, 2), ["class-missing", "small-class"]);
});

test("a folder that is not there is wrong usage", async () => {
  const { code, stderr } = await runCli(["data", "check", "/no/such/folder"]);
  assert.deepEqual([code, stderr], [2, "ratatouille: the folder of images /no/such/folder does not exist\n"]);
});
