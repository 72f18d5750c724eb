import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { runScript } from "../child.ts";
import type { LoaderTimes } from "./loader-process.ts";
import { makeJpegs } from "./make-jpegs.ts";

test("the loader's process prepares JPEGs that were made for it, and tells what it took", async () => {
  await using directory = await temporaryDirectory();
  await makeJpegs(directory.path, 5, 32);
  assert.equal((await readdir(directory.path)).length, 5);
  const { seconds, waiting } = await runScript<LoaderTimes>("./images/loader-process.ts", [directory.path, "1", "64"]);
  assert.ok(seconds > 0);
  assert.ok(waiting >= 0 && waiting < 1);
});
