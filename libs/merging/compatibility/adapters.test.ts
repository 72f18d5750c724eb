import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openModel } from "#libs/models";
import { bytesSource, openSafetensors, widen } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { checkModels } from "./index.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures/adapters");
const signal = new AbortController().signal;
const open = (name: string) => openModel(join(fixtures, name), name);

async function numbers(name: string): Promise<Map<string, Float64Array>> {
  const file = await openSafetensors(bytesSource(await readFile(join(fixtures, name))));
  const tensors = new Map<string, Float64Array>();
  for (const [tensor, { dtype, shape }] of file.header.tensors) {
    const out = new Float64Array(shape.reduce((x, y) => x * y, 1));
    widen(dtype, await file.read(tensor), out);
    tensors.set(tensor, out);
  }
  return tensors;
}

test("norms and cosines of adapters are those of what they add, as numpy has it", async () => {
  const adapters = await Promise.all(["a", "b"].map(open));
  const { weights, verdict } = await checkModels(adapters, { signal, full: true });
  assert.equal(verdict, "compatible");
  const [base, a, mean] = [await numbers("base.safetensors"), await numbers("base+a.safetensors"), await numbers("base+mean.safetensors")];
  // (a + b) / 2 is known, so b is 2 (mean − base) − a. What was trained whole is no product.
  let [aa, bb, ab] = [0, 0, 0];
  for (const [name, start] of base) {
    if (name === "score.weight") continue;
    for (const [i, x] of start.entries()) {
      const da = a.get(name)![i]! - x;
      const db = 2 * (mean.get(name)![i]! - x) - da;
      aa += da * da;
      bb += db * db;
      ab += da * db;
    }
  }
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-5 * Math.abs(expected), `${actual}, ${expected}`);
  near(weights!.models[0]!.norm, Math.sqrt(aa));
  near(weights!.models[1]!.norm, Math.sqrt(bb));
  assert.ok(Math.abs(weights!.cosines![0]![1]! - ab / Math.sqrt(aa * bb)) < 1e-5);
});

test("what is wrong with adapters is found: numbers that are not finite, twins, other bases, whole models among them", async () => {
  await using directory = await temporaryDirectory();
  const broken = directory.join("broken");
  await cp(join(fixtures, "a"), broken, { recursive: true });
  const path = join(broken, "adapter_model.safetensors");
  const model = await openModel(broken, "broken");
  const bytes = await readFile(path);
  const { offset } = model.tensors.get("base_model.model.model.layers.0.q.lora_B.weight")!;
  bytes.writeFloatLE(Number.NaN, offset + 4 * 5);
  await writeFile(path, bytes);
  const [a, b, base] = [await open("a"), await open("b"), await open("base.safetensors")];
  const full = await checkModels([a, b, await openModel(broken, "broken")], { signal, full: true, base });
  assert.equal(full.verdict, "incompatible");
  assert.deepEqual(full.findings[0]!.tensors, ["base_model.model.model.layers.0.q.lora_B.weight: the first at [2, 1]"]);
  const twins = await checkModels([a, a, b], { signal, full: true });
  assert.deepEqual(
    twins.findings.filter(({ code }) => code === "equal").map(({ sentence }) => sentence),
    ["a, a have the same weights: in an average they count as often."],
  );
  const mixed = await checkModels([a, await open("base+a.safetensors")], { signal });
  assert.deepEqual(mixed.findings[0]!.code, "adapter");
  assert.equal((await checkModels([a, await open("base+a.safetensors")], { signal, base })).verdict, "compatible");
});
