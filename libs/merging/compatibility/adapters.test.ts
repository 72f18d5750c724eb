import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openModel } from "#libs/models";
import { bytesSource, openSafetensors, saveFloat32, type TensorData, widen, writeSafetensors } from "#libs/tensors";
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

test("adapters in single files are called what they are, and their factors are not averaged one by one", async () => {
  await using directory = await temporaryDirectory();
  const factors = (...names: string[]) =>
    new Map(
      names.map((name) => [
        name,
        { shape: name.endsWith(".alpha") ? [] : [2, 2], data: new Float32Array(name.endsWith(".alpha") ? 1 : 4) },
      ]),
    );
  const kinds: [string, string[], RegExp][] = [
    [
      "kohya LoRA",
      ["lora_down.weight", "lora_up.weight", "alpha"].map((end) => `lora_unet_mid_block_attn.${end}`),
      /convert first to a PEFT folder/,
    ],
    ["LoRA of diffusers", ["A", "B"].map((half) => `transformer.blocks.0.attn.to_q.lora_${half}.weight`), /convert first/],
    ["LoRA", ["A", "B"].map((half) => `base_model.model.layers.0.q.lora_${half}.weight`), /name the folder that has adapter_config\.json/],
    ["LoHa", ["hada_w1_a", "hada_w1_b"].map((end) => `lycoris_mid.${end}`), /convert first/],
    ["LoKr", ["lokr_w1", "lokr_w2"].map((end) => `lycoris_mid.${end}`), /convert first/],
    ["MLX LoRA", ["lora_a", "lora_b"].map((end) => `model.layers.0.q.${end}`), /convert first/],
  ];
  for (const [kind, names, way] of kinds) {
    for (const file of ["a", "b"]) await writeFile(directory.join(`${file}.safetensors`), saveFloat32(factors(...names)));
    const models = await Promise.all(["a", "b"].map((file) => openModel(directory.join(`${file}.safetensors`), file)));
    const { verdict, findings } = await checkModels(models, { signal });
    const said = findings.filter(({ code }) => code === "adapter").map(({ sentence }) => sentence);
    assert.equal(verdict, "incompatible");
    assert.equal(said.length, 1, said.join());
    assert.ok(said[0]!.startsWith(`a, b are adapters (${kind}), whose factors mean nothing one by one: `), said[0]);
    assert.match(said[0]!, way);
  }
});

test("quantised weights have no mean, as average says", async () => {
  await using directory = await temporaryDirectory();
  const integers = (name: string, dtype: "I8" | "U8" | "I32") => ({
    name,
    dtype,
    shape: [4],
    data: new Uint8Array(dtype === "I32" ? 16 : 4),
  });
  const floats = (name: string) => ({ name, dtype: "F32" as const, shape: [4], data: new Uint8Array(16) });
  const kinds: [TensorData[], string][] = [
    [[integers("q.weight", "I8"), floats("q.SCB")], "q.weight: I8 with q.SCB in a"],
    [[integers("q.weight", "U8"), floats("q.weight.absmax")], "q.weight: U8 with q.weight.absmax in a"],
    [[integers("q.qweight", "I32"), floats("q.scales")], "q.qweight: I32 with q.scales in a"],
    [[integers("q.weight_packed", "I32"), floats("q.weight_scale")], "q.weight_packed: I32 with q.weight_scale in a"],
  ];
  for (const [tensors, line] of kinds) {
    await writeFile(directory.join("a.safetensors"), writeSafetensors(tensors));
    const models = await Promise.all(["a", "b"].map((name) => openModel(directory.join("a.safetensors"), name)));
    const { verdict, findings } = await checkModels(models, { signal });
    assert.equal(verdict, "incompatible");
    assert.deepEqual(findings.find(({ code }) => code === "no-average")?.tensors, [line]);
  }
  // Whole numbers that only count or choose are no weights.
  await writeFile(directory.join("a.safetensors"), writeSafetensors([floats("bn.weight"), integers("position_ids", "I32")]));
  const models = await Promise.all(["a", "b"].map((name) => openModel(directory.join("a.safetensors"), name)));
  const { findings } = await checkModels(models, { signal });
  assert.ok(!findings.some(({ severity }) => severity === "error"));
});
