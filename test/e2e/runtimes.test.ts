import assert from "node:assert/strict";
import { after, test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { succeed } from "./cli.ts";
import { digestsOf, readReport } from "./outputs.ts";
import { tiny } from "./run-file.ts";
import type { Runtime } from "./runtimes.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

test("Bun, Node and Deno make the same models, byte for byte", async () => {
  const [bun, node, deno] = [await digestsOn("bun"), await digestsOn("node"), await digestsOn("deno")];
  assert.ok(Object.keys(bun).length > 40);
  assert.deepEqual(node, bun);
  assert.deepEqual(deno, bun);
});

async function digestsOn(runtime: Runtime): Promise<ReturnType<typeof digestsOf>> {
  const [data, out] = [directory.join(`${runtime}-data`), directory.join(`${runtime}-out`)];
  await succeed(["recycle", tiny, "--data", data, "--out", out, "--quiet"], { runtime });
  return digestsOf(await readReport(out));
}
