import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { bytesSource, openSafetensors, saveFloat32, widen } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { pair, tensor, tensorOf, writeAdapter, writeBase } from "../../libs/merging/adapters/testing/adapter.ts";
import { startCli, succeed } from "../e2e/cli.ts";
import { runHere, succeedHere } from "../e2e/here.ts";

const fixtures = join(import.meta.dirname, "../fixtures/adapters");
const [a, b, base] = ["a", "b", "base.safetensors"].map((name) => join(fixtures, name)) as [string, string, string];

/** Spread over the whole work. */
const KILLS = 5;

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
  await succeedHere(["average", a, b, "--base", base, "-o", "model"], { cwd });
  await assertNear(join(cwd, "model/model.safetensors"), "base+mean.safetensors", 2 ** -23);
  const again = await runHere(["average", a, b, "--base", base, "-o", "model"], { cwd });
  assert.deepEqual([again.code, again.stdout.includes("there already")], [0, true], again.stderr);
  const first = await readFile(join(cwd, "model/model.safetensors"));
  await succeedHere(["average", a, b, "--base", base, "-o", "model", "--force", "--threads", "1"], { cwd });
  assert.deepEqual(await readFile(join(cwd, "model/model.safetensors")), first);
  await succeedHere(["average", a, b, "--base", base, "--weights", "0.7,-0.2", "--set", "normalize=false", "-o", "weighted.safetensors"], {
    cwd,
  });
  await assertNear(join(cwd, "weighted.safetensors"), "base+weighted.safetensors", 2 ** -23);
});

test("without a base they become one adapter, which goes into the base to the same numbers", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  await succeedHere(["average", a, b, "-o", "adapter"], { cwd });
  const entries = await readdir(join(cwd, "adapter"));
  for (const name of ["README.md", "adapter_config.json", "adapter_model.safetensors", "recipe.json"])
    assert.ok(entries.includes(name), name);
  assert.ok(!entries.some((name) => name.startsWith(".")), entries.join());
  await succeedHere(["average", "adapter", "--base", base, "-o", "model.safetensors"], { cwd });
  await assertNear(join(cwd, "model.safetensors"), "base+mean.safetensors", 2e-4);
});

test("killed at any time and run again: the same bytes, and nothing is left behind", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  const size = 768;
  const matrix = (rows: number, columns: number, seed: number) => ({
    shape: [rows, columns],
    data: Float32Array.from({ length: rows * columns }, (_, i) => ((i * seed) % 1009) / 1009 - 0.5),
  });
  const layers = Array.from({ length: 12 }, (_, i) => `layers.${i}.q`);
  await writeFile(
    join(cwd, "base.safetensors"),
    saveFloat32(new Map(layers.map((name, i) => [`${name}.weight`, matrix(size, size, i + 3)]))),
  );
  await mkdir(join(cwd, "lora"));
  const factors = layers.flatMap((name, i) => [
    [`base_model.model.${name}.lora_A.weight`, matrix(16, size, i + 5)] as const,
    [`base_model.model.${name}.lora_B.weight`, matrix(size, 16, i + 7)] as const,
  ]);
  await writeFile(join(cwd, "lora/adapter_model.safetensors"), saveFloat32(new Map(factors)));
  await writeFile(join(cwd, "lora/adapter_config.json"), JSON.stringify({ peft_type: "LORA", r: 16, lora_alpha: 8 }));
  const command = (out: string) => ["average", "lora", "--base", "base.safetensors", "-o", out, "--no-fsync"];
  const startedMs = performance.now();
  await succeed(command("whole"), { cwd });
  const ms = performance.now() - startedMs;
  const whole = await readFile(join(cwd, "whole/model.safetensors"));
  for (let attempt = 0; attempt < KILLS; attempt++) {
    const out = `out${attempt}`;
    await using cli = startCli(command(out), { cwd });
    // A third of the time goes before the work begins.
    await Promise.race([cli.ended, delay(ms * (0.3 + (0.7 * attempt) / KILLS))]);
    cli.signal("SIGKILL");
    const { code } = await cli.ended;
    if (code !== 0) await succeedHere(command(out), { cwd });
    assert.deepEqual(await readFile(join(cwd, out, "model.safetensors")), whole, `attempt ${attempt}`);
    assert.deepEqual((await readdir(join(cwd, out))).sort(), (await readdir(join(cwd, "whole"))).sort());
  }
});

test("factors are averaged apart only where that is asked for, and where their ranks allow it", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  const different = await runHere(["average", a, b, "--factors-apart", "-o", "x"], { cwd });
  assert.notEqual(different.code, 0);
  assert.match(different.stderr, /--factors-apart: .*model\.layers\.0\.q\.weight has different scalings/);
});

test("a head that an adapter unties is said in config.json, by average and by merge", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  const config = { architectures: ["Qwen2ForCausalLM"], model_type: "qwen2", tie_word_embeddings: true, torch_dtype: "float32" };
  await writeBase(
    join(cwd, "base"),
    [tensor("model.embed_tokens.weight", [8, 4], 1), tensor("model.layers.0.q_proj.weight", [4, 4], 2)],
    config,
  );
  const targets = { target_modules: ["q_proj", "lm_head"] };
  await writeAdapter(join(cwd, "a"), [...pair("model.layers.0.q_proj", [4, 4], 2, 3), ...pair("lm_head", [8, 4], 2, 5)], targets);
  await writeFile(join(cwd, "m.yml"), "merge_method: passthrough\nmodels:\n  - model: base+a\n");
  const anyway = ["--allow-unrelated", "--quiet"];
  await succeedHere(["average", "a", "--base", "base", "-o", "averaged", ...anyway], { cwd });
  await succeedHere(["merge", "m.yml", "-o", "merged", ...anyway], { cwd });
  for (const folder of ["averaged", "merged"]) {
    const model = await numbers(join(cwd, folder, "model.safetensors"));
    assert.deepEqual([...model.keys()], ["lm_head.weight", "model.embed_tokens.weight", "model.layers.0.q_proj.weight"]);
    assert.notDeepEqual(model.get("lm_head.weight"), model.get("model.embed_tokens.weight"));
    const written = JSON.parse(await readFile(join(cwd, folder, "config.json"), "utf8")) as { tie_word_embeddings: boolean };
    assert.equal(written.tie_word_embeddings, false);
  }
});

test("what is wrong with an adapter is said before anything is written, and a number that is none after nothing is left", async () => {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  await writeBase(join(cwd, "base"), [tensor("q_proj.weight", [4, 4], 2)], { model_type: "llama" });
  const [first, second] = pair("q_proj", [4, 4], 2, 3);
  await writeAdapter(join(cwd, "good"), [first!, second!], { target_modules: ["q_proj"] });
  await writeAdapter(join(cwd, "nan"), [first!, tensorOf(second!.name, [4, 2], [0, 1, Number.NaN, 3, 4, 5, 6, 7])], {
    target_modules: ["q_proj"],
  });
  await writeFile(join(cwd, "lora.safetensors"), await readFile(join(cwd, "good/adapter_model.safetensors")));
  await writeFile(join(cwd, "m.yml"), "merge_method: passthrough\nmodels:\n  - model: base+nan\n");
  const nan = /^ratatouille: tensor "base_model\.model\.q_proj\.lora_B\.weight" is not finite at \[1, 0\]: nan has NaN there/m;
  const refused: [string[], RegExp][] = [
    [["average", "good", "nan", "-o", "out"], nan],
    [["average", "nan", "--base", "base", "-o", "out"], nan],
    [["merge", "m.yml", "-o", "out"], nan],
    [
      ["average", "lora.safetensors", "lora.safetensors", "-o", "out"],
      /lora\.safetensors.* (is an adapter|are adapters) \(LoRA\), whose factors mean nothing/,
    ],
    [["average", "good", "--base", "base", "--exclude", "score.weight", "-o", "out"], /"score\.weight" cannot be left out/],
  ];
  for (const [args, message] of refused) {
    const { code, stderr } = await runHere([...args, "--allow-unrelated", "--quiet"], { cwd });
    assert.notEqual(code, 0);
    assert.match(stderr, message);
    assert.ok(!(await readdir(cwd)).includes("out"), args.join(" "));
  }
});
