import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import type { LabelledImage } from "#libs/image-sets";
import { coloredMnist, readDigits, rotatedMnist } from "#libs/image-sets/generators";
import { decodeImage } from "#libs/images";
import { colouredMnist, mnistAngles } from "#libs/recipes";
import { temporaryDirectory } from "#libs/testing";
import { writeMnist } from "../../examples/data/mnist.ts";
import { root } from "../e2e/cli.ts";

/** Of pixels and labels of the first images of a domain: see domainbed.py. */
type Digests = { readonly [domain: string]: readonly [string, string] };
const FIRST = 500;
const expected = JSON.parse(await readFile(join(root, "test/fixtures/mnist/domainbed.json"), "utf8")) as Digests;

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
await writeMnist(directory.path);
const names = (await readdir(directory.path)).filter((name) => name.endsWith(".gz"));
const digits = readDigits(new Map(await Promise.all(names.map(async (name) => [name, await readFile(directory.join(name))] as const))));

test("the public files are MNIST, and the digits for training come first", () => {
  assert.equal(digits.count, 70_000);
  // As PyTorch shows them: the first digits of both parts.
  assert.deepEqual([...digits.labels.subarray(0, 5)], [5, 0, 4, 1, 9]);
  assert.deepEqual([...digits.labels.subarray(60_000, 60_005)], [7, 2, 1, 0, 4]);
});

test("RotatedMNIST is DomainBed's, byte by byte", async () => {
  await agrees(rotatedMnist(digits, { angles: mnistAngles, seed: 0 }).images, 1, mnistAngles.map(String));
});

test("ColoredMNIST is DomainBed's, byte by byte", async () => {
  await agrees(coloredMnist(digits, { ...colouredMnist, seed: 0 }).images, 3, ["+90%", "+80%", "-90%"]);
});

async function agrees(images: Iterable<LabelledImage>, channels: 1 | 3, domains: readonly string[]): Promise<void> {
  const found = new Map<string, LabelledImage[]>();
  for (const image of images) {
    const list = found.get(image.domain) ?? [];
    found.set(image.domain, list);
    if (list.length < FIRST) list.push(image);
  }
  assert.deepEqual([...found.keys()], domains);
  for (const [domain, list] of found) {
    const [pixels, labels] = [createHash("sha256"), createHash("sha256")];
    for (const { content, class: label } of list) {
      assert.ok("make" in content);
      pixels.update((await decodeImage(content.make(), { channels })).pixels);
      labels.update(Uint8Array.of(Number(label)));
    }
    assert.deepEqual([pixels.digest("hex"), labels.digest("hex")], expected[domain], domain);
  }
}
