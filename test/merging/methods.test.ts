import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { saveFloat32 } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { succeed } from "../e2e/cli.ts";
import { runHere, succeedHere } from "../e2e/here.ts";
import { numbersOf, weightsFile } from "./models.ts";

type Described = {
  readonly name: string;
  readonly title: string;
  readonly parameters: readonly { name: string }[];
  readonly example: string;
};

test("without a name there is a line for each method: name, title, what it needs", async () => {
  const lines = (await succeed(["methods"])).split("\n");
  assert.ok(lines.includes("  ties              TIES                         any number of models, a base"));
  assert.ok(lines.includes("  slerp             SLERP                        2 models"));
  assert.ok(lines.includes("  random_pick       Random pick                  any number of models, a seed"));
  assert.ok(lines.includes("  regmean           RegMean                      any number of models, Gram matrices of each"));
  const all = JSON.parse(await succeedHere(["methods", "--json"])) as Described[];
  const listed = lines.filter((line) => /^ {2}\w/.test(line)).map((line) => line.trim().split(" ", 1)[0]);
  assert.deepEqual(
    listed,
    all.map(({ name }) => name),
  );
  assert.equal(new Set(listed).size, listed.length);
});

test("with a name there is everything about the method", async () => {
  const text = await succeedHere(["methods", "dare"]);
  assert.match(text, /^dare_linear {2}DARE linear$/m);
  assert.match(text, /^formula {2}θ = θ_0 \+ λ Σ/m);
  assert.match(text, /^paper {4}Yu et al\. 2023, .*\n {9}https:\/\/arxiv\.org\/abs\/2311\.03099$/m);
  assert.match(text, /^needs {4}any number of models, a base, a seed$/m);
  assert.match(text, /^ {2}density +each model +1 +a number from 0 to 1 +the probability/m);
  assert.match(text, /^ {2}rescale +the merge +true +true or false /m);
  assert.match(text, /^ {2}ratatouille average a\.safetensors b\.safetensors -o out\.safetensors --method dare_linear --base /m);
  assert.match(await succeedHere(["methods", "nearswap"]), /^ {2}t +the merge +required +a number of at least 0 /m);
  const described = JSON.parse(await succeedHere(["methods", "task-arithmetic", "--json"])) as Described;
  assert.equal(described.title, "Task arithmetic");
  assert.deepEqual(
    described.parameters.map(({ name }) => name),
    ["weight", "normalize", "lambda"],
  );
});

test("a name that no method has: one sentence with the nearest, exit code 2", async () => {
  for (const [name, instead] of [
    ["tise", "did you mean ties?"],
    ["dare_lienar", "did you mean dare_linear"],
    ["qwertyuiop", "ratatouille methods lists all"],
  ] as const) {
    const { code, stdout, stderr } = await runHere(["methods", name]);
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.ok(stderr.startsWith(`ratatouille: there is no method "${name}"; ${instead}`), stderr);
    assert.equal(stderr.trimEnd().split("\n").length, 1);
  }
});

test("every example is a command that works", async () => {
  await using directory = await temporaryDirectory();
  const file = (name: string) => join(directory.path, `${name}.safetensors`);
  for (const [i, name] of ["a", "b", "c", "base"].entries()) await writeFile(file(name), weightsFile(numbersOf(i)));
  for (const [i, name] of ["a", "b"].entries()) {
    await writeFile(file(`${name}.fisher`), weightsFile(numbersOf(i + 5)));
    await writeFile(file(`${name}.gram`), gramsFile(i));
  }
  const methods = JSON.parse(await succeedHere(["methods", "--json"])) as Described[];
  const failed: string[] = [];
  for (const { name, example } of methods) {
    const args = example.replace("out.safetensors", `${name}.safetensors`).split(" ").slice(1);
    const { code, stderr } = await runHere(args, { cwd: directory.path });
    if (code !== 0) failed.push(`${example}: ${stderr}`);
  }
  assert.deepEqual(failed, []);
});

/** Gram matrices XᵀX of the layers' inputs, diagonal ones. */
function gramsFile(seed: number): Uint8Array {
  const gram = Float32Array.from({ length: 64 }, (_, i) => (i % 9 === 0 ? 1 + seed + i / 9 : 0));
  return saveFloat32(new Map(["encoder.weight", "head.weight"].map((name) => [name, { shape: [8, 8], data: gram }])));
}
