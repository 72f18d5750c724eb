import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { encodePng } from "#libs/image-sets";
import { initialise, networkOf } from "#libs/networks";
import { parseStudyFile, RunFileError } from "#libs/runfile";
import { saveWeights, type WeightTensor } from "#libs/tensors";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { writeFolder } from "../../../libs/image-sets/testing/image-folder.ts";
import { look } from "./look.ts";

const network = (classes: number, hidden = [8]) => networkOf("mlp", { classes, channels: 3, size: 16, options: { hidden } });

/** Weights of a small network as a file. @param change what is wrong with them */
async function writeModel(
  path: string,
  classes: number,
  { hidden = [8], change = (_: Map<string, WeightTensor>) => {} } = {},
): Promise<void> {
  const weights = new Map([...initialise(network(classes, hidden), 1)].map(([name, tensor]) => [name, tensor as WeightTensor]));
  change(weights);
  await writeFile(path, saveWeights(weights));
}

/** A folder of birds in three domains, with models beside it, and what looking at a run file of it gives. */
async function withBirds(): Promise<TemporaryDirectory & { lookAt(changes?: Readonly<Record<string, string>>): ReturnType<typeof look> }> {
  const directory = await temporaryDirectory();
  let number = 0;
  for (const domain of ["garden", "photo", "sketch"])
    for (const label of ["jay", "owl"])
      await writeFolder(directory.join("birds"), { [`${domain}/${label}/1.png`]: number++, [`${domain}/${label}/2.png`]: number++ });
  await writeModel(directory.join("foundation.safetensors"), 5);
  const lines = {
    target: "{ images: ./birds }",
    "held-out": "all",
    foundation: "{ network: mlp, hidden: [8], channels: 3, size: 16, weights: ./foundation.safetensors }",
    auxiliaries: "[]",
  };
  return Object.assign(directory, {
    async lookAt(changes: Readonly<Record<string, string>> = {}) {
      const text = `name: birds\n${Object.entries({ ...lines, ...changes })
        .map(([key, value]) => `${key}: ${value}\n`)
        .join("")}`;
      return look(parseStudyFile(text, { path: directory.join("birds.yaml") }));
    },
  });
}

async function sentence(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof RunFileError, String(error));
    return error.problems.map(({ message }) => message).join("\n");
  }
  return "";
}

test("domains, classes, and models with other heads are found, and what was done is said", async () => {
  await using birds = await withBirds();
  await writeModel(birds.join("inat.safetensors"), 7);
  const found = await birds.lookAt({ auxiliaries: "[./inat.safetensors, ./birds]" });
  assert.deepEqual(
    [found.target.domains, found.target.classes],
    [
      ["garden", "photo", "sketch"],
      ["jay", "owl"],
    ],
  );
  const [ready, task] = found.auxiliaries;
  assert.ok(Array.isArray(ready) && task !== undefined && !Array.isArray(task));
  assert.match(ready[0]!.notes[0]!, /inat\.safetensors: the head is left out: head\.weight is for 7 classes, not for 2/);
  assert.deepEqual(task.domains, found.target.domains);
});

test("what cannot be used is one sentence at the line of its key", async () => {
  await using birds = await withBirds();
  const lookAt = birds.lookAt;
  await writeModel(birds.join("wide.safetensors"), 2, { hidden: [16] });
  await writeModel(birds.join("nan.safetensors"), 2, {
    change: (weights) => void (weights.get("fc1.weight")!.data as Float32Array).fill(Number.NaN, 3, 4),
  });
  await writeFile(birds.join("notes.txt"), "no model");
  await writeFolder(birds.join("flat"), { "a.png": 1, "b.png": 2 });
  await writeFolder(birds.join("one"), { "photo/owl/1.png": 1, "photo/jay/1.png": 2 });
  const said = [
    [
      { auxiliaries: "[./wide.safetensors]" },
      /`auxiliaries` at line 5 names .*wide\.safetensors, which cannot be used: The weights are not mlp's: fc1\.weight: expected \[8, 768\], got \[16, 768\]/,
    ],
    [
      { auxiliaries: "[./nan.safetensors]" },
      /`auxiliaries` at line 5 names .*nan\.safetensors, which cannot be used: fc1\.weight is not finite.*NaN/,
    ],
    [{ auxiliaries: "[./notes.txt]" }, /`auxiliaries` at line 5 cannot be used: .*notes\.txt/],
    [{ auxiliaries: "[./nothing]" }, /`auxiliaries` at line 5 cannot be used: cannot read .*nothing/],
    [{ "held-out": "phto" }, /`held-out` at line 3 names .phto., which is no domain of .*birds: did you mean photo\?/],
    [{ target: "{ images: ./flat }" }, /`target` at line 2 cannot be used: .*flat.*domain\/class\/image/],
    [{ target: "{ images: ./one }" }, /`target` at line 2 .*photo/],
    [{ target: "{ images: ./missing }" }, /`target` at line 2 cannot be used: the folder of images .*missing does not exist/],
    [{ target: "{ rotated-mnist: ./birds }", "held-out": "['0']" }, /`target` at line 2 names .*birds, which has no idx file of images/],
    [
      { foundation: "{ network: vit_tiny_patch16_224, size: 100 }" },
      /`foundation` at line 4 asks for a network that cannot be: size: vit_tiny_patch16_224 needs a multiple of 16, got 100/,
    ],
  ] as const;
  for (const [changes, expected] of said) assert.match(await sentence(lookAt(changes)), expected);
});

test("pixels do not matter for a look: only the folder's form does", async () => {
  await using birds = await withBirds();
  await writeFolder(birds.join("birds"), {
    "photo/owl/text.jpg": "no image",
    "photo/jay/large.png": encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(0) }),
  });
  assert.equal((await birds.lookAt()).target.count, 14);
});
