import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { runScript } from "../child.ts";
import { makeJpegs } from "../images/make-jpegs.ts";
import type { LoopTimes } from "./loop-process.ts";

test("trainings on JPEGs are timed beside bare steps, and leave no tensors", async () => {
  await using directory = await temporaryDirectory();
  const folder = directory.join("jpegs");
  await mkdir(folder);
  await makeJpegs(folder, 70, 28);
  const { bareMs, loopMs, tensors, resident } = await runScript<LoopTimes>("./train/loop-process.ts", [folder, "1", "2", "5"]);
  assert.ok(bareMs[0]! > 0 && loopMs[0]! > 0);
  assert.equal(tensors[0], tensors[1]);
  assert.ok(resident[0] > 0 && resident[1] > 0);
});
