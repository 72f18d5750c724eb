/** Merges models of this machine, without any server: their mean, and methods with parameters and with a base. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mergeModels, methods } from "ratatouille/merging";
import { loadFloat32, saveFloat32 } from "ratatouille/safetensors";

const folder = await mkdtemp(join(tmpdir(), "merge-"));
try {
  const at = (name: string) => join(folder, `${name}.safetensors`);
  const save = (name: string, ...data: number[]) =>
    writeFile(at(name), saveFloat32(new Map([["weight", { shape: [data.length], data: Float32Array.from(data) }]])));
  const load = async (name: string) => loadFloat32(await readFile(at(name))).get("weight")?.data;
  await save("base", 0, 0, 0, 0);
  await save("a", 1, 2, -3, 4);
  await save("b", 3, -2, -1, 0);

  await mergeModels([at("a"), at("b")], at("mean"));
  assert.deepEqual(await load("mean"), Float32Array.of(2, 0, -2, 2));

  // Beside the weights there is how they were made.
  await mergeModels([at("a"), at("b")], at("ties"), { method: "ties", base: at("base"), parameters: { density: 0.5 } });
  const recipe = JSON.parse(await readFile(join(folder, "ties.recipe.json"), "utf8"));
  assert.equal(recipe.parameters.method, "ties");
  // Along the circle between both: the same bits on every runtime.
  await mergeModels([at("a"), at("b")], at("slerp"), { method: "slerp", parameters: { t: 0.25 } });

  console.log(`${methods.length} methods; mean ${await load("mean")}; ties ${await load("ties")}; slerp ${await load("slerp")}`);
} finally {
  await rm(folder, { recursive: true });
}
