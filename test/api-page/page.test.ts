import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { readPage } from "./page.ts";

test("the blocks of docs/api.md are found, with what they print", async () => {
  const page = await readFile(new URL("../../docs/api.md", import.meta.url), "utf8");
  const blocks = readPage(page);
  assert.equal(blocks.length, page.match(/^```sh$/gm)?.length);
  assert.equal(blocks.filter(({ expected }) => expected !== "").length, page.match(/^```text$/gm)?.length);
  assert.ok(blocks.length > 15);
});
