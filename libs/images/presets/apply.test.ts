import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { decodeImage } from "../decode.ts";
import type { Picture, Size } from "../picture.ts";
import { largestDifference } from "../testing/compare.ts";
import { applyOperations } from "./apply.ts";
import type { Operation } from "./step.ts";

// Made by torchvision on PIL images: test/fixtures/images/generate.py.
const folder = new URL("../../../test/fixtures/images/transforms/", import.meta.url);
const cases: readonly { name: string; source: string; to: Size; operations: readonly Operation[] }[] = JSON.parse(
  await readFile(new URL("cases.json", folder), "utf8"),
);

async function read(name: string, channels: 1 | 3): Promise<Picture> {
  return decodeImage(await readFile(new URL(`${name}.png`, folder)), { channels });
}

// Here Pillow 13 does columns before lines, earlier ones do not.
const COLUMNS_FIRST = ["wider-and-lower"];

for (const { name, source, to, operations } of cases) {
  test(`${name} has torchvision's bytes`, async () => {
    const channels = source === "grey" ? 1 : 3;
    const actual = applyOperations(await read(source, channels), operations, to);
    assert.equal(largestDifference(actual, await read(name, channels)), COLUMNS_FIRST.includes(name) ? 1 : 0);
  });
}
