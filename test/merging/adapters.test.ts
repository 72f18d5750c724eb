import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { bytesSource, openSafetensors, widen } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { runCli, succeed } from "../e2e/cli.ts";

const fixtures = join(import.meta.dirname, "../fixtures/adapters");
const [a, b, base] = ["a", "b", "base.safetensors"].map((name) => join(fixtures, name)) as [string, string, string];

async function numbers(path: string): Promise<Map<string, Float64Array>> {
  const file = await openSafetensors(bytesSource(await readFile(path)));
  const tensors = new Map<string, Float64Array>();
  for (const name of [...file.names].sort()) {
    const { dtype, shape } = file.header.tensors.get(name)!;
    const out = new Float64Array(shape.reduce((x, y) => x * y, 1));
    widen(dtype, await file.read(name), out);
    tensors.set(name, out);
  }
  return tensors;
}

async function assertNear(path: string, expected: string, relative: number): Promise<void> {
  const [ours, theirs] = [await numbers(path), await numbers(join(fixtures, expected))];
  assert.deepEqual([...ours.keys()], [...theirs.keys()]);
  for (const [name, values] of theirs)
    for (const [i, value] of values.entries())
      assert.ok(Math.abs(ours.get(name)![i]! - value) <= relative * Math.max(Math.abs(value), 1e-3), `${name}[${i}]`);
}

test("adapters are averaged into their base, the same bytes again and again", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  await succeed(["average", a, b, "--base", base, "-o", "model"], { cwd });
  await assertNear(join(cwd, "model/model.safetensors"), "base+mean.safetensors", 2 ** -23);
  const again = await runCli(["average", a, b, "--base", base, "-o", "model"], { cwd });
  assert.equal(again.code, 1);
  assert.match(again.stderr, /--force overwrites/);
  const first = await readFile(join(cwd, "model/model.safetensors"));
  await succeed(["average", a, b, "--base", base, "-o", "model", "--force", "--threads", "1"], { cwd });
  assert.deepEqual(await readFile(join(cwd, "model/model.safetensors")), first);
  await succeed(["average", a, b, "--base", base, "--weights", "0.7,-0.2", "--set", "normalize=false", "-o", "weighted.safetensors"], {
    cwd,
  });
  await assertNear(join(cwd, "weighted.safetensors"), "base+weighted.safetensors", 2 ** -23);
});

test("without a base they become one adapter, which goes into the base to the same numbers", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  await succeed(["average", a, b, "-o", "adapter"], { cwd });
  const entries = await readdir(join(cwd, "adapter"));
  for (const name of ["README.md", "adapter_config.json", "adapter_model.safetensors", "recipe.json"])
    assert.ok(entries.includes(name), name);
  assert.ok(!entries.some((name) => name.startsWith(".")), entries.join());
  await succeed(["average", "adapter", "--base", base, "-o", "model.safetensors"], { cwd });
  await assertNear(join(cwd, "model.safetensors"), "base+mean.safetensors", 2e-4);
});

test("factors are averaged apart only where that is asked for, and where their ranks allow it", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  const different = await runCli(["average", a, b, "--factors-apart", "-o", "x"], { cwd });
  assert.notEqual(different.code, 0);
  assert.match(different.stderr, /--factors-apart: .*model\.layers\.0\.q\.weight has different scalings/);
});
