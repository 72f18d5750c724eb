import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { encodePng } from "#libs/image-sets";
import { parseStudyFile, RunFileError } from "#libs/runfile";
import { writeFolder } from "../../../libs/image-sets/testing/image-folder.ts";
import { cautions } from "./cautions.ts";
import { look } from "./look.ts";
import { withBirds, writeModel } from "./testing/birds.ts";

type Birds = Awaited<ReturnType<typeof withBirds>>;

const lookAt = (birds: Birds, changes?: Readonly<Record<string, string>>) =>
  look(parseStudyFile(birds.runFile(changes), { path: birds.join("birds.yaml") }));

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
  const found = await lookAt(birds, { auxiliaries: "[./inat.safetensors, ./birds]" });
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
  assert.deepEqual(
    found.foundation?.notes.filter((note) => note.includes("probe")),
    [],
  );
  await writeModel(birds.join("foundation.safetensors"), 2);
  const again = await lookAt(birds);
  assert.match(
    again.foundation!.notes.at(-1)!,
    /foundation\.safetensors: its head is for as many classes as the target has, so the linear probe/,
  );
});

test("what cannot be used is one sentence at the line of its key", async () => {
  await using birds = await withBirds();
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
  for (const [changes, expected] of said) assert.match(await sentence(lookAt(birds, changes)), expected);
});

test("what is odd and forbids nothing is said: classes that are missing, models of another kind or named twice, engines of nobody", async () => {
  await using birds = await withBirds();
  await writeFolder(birds.join("birds"), Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`garden/tit/${i}.png`, i])));
  const timm = { architecture: "deit_mlp", pretrained_cfg: { mean: [0.485, 0.456, 0.406], std: [0.5, 0.5, 0.5] } };
  await writeFolder(birds.join("deit"), { "config.json": JSON.stringify(timm) });
  await writeModel(birds.join("deit/model.safetensors"), 3);
  const text = birds.runFile({ auxiliaries: "[./deit, { name: again, weights: ./foundation.safetensors }]", backend: "tfjs-nod" });
  const file = parseStudyFile(text, { path: birds.join("birds.yaml") });
  const { target, auxiliaries } = await look(file);
  const said = [target, ...auxiliaries.flat()].flatMap(({ notes }) => notes).map((note) => note.replaceAll(birds.path, "ROOT"));
  assert.equal(said[0], 'ROOT/birds: the class "tit" has no image in the domains "photo" and "sketch"');
  assert.equal(said[3], "ROOT/birds: … and 4 more (`ratatouille data check ROOT/birds` has all)");
  assert.deepEqual(said.slice(4, 6), [
    'ROOT/deit: its config.json calls it "deit_mlp", and it is taken as mlp, whose tensors it has',
    "ROOT/deit: it has learned from images with mean [0.485,0.456,0.406] and deviation [0.5,0.5,0.5], says its config.json; mlp sees them with [0,0,0] and [1,1,1]",
  ]);
  assert.deepEqual(
    cautions(file).map((caution) => caution.replaceAll(birds.path, "ROOT")),
    [
      "the foundation and the auxiliary again are one model, ROOT/foundation.safetensors: it brings nothing new",
      "no engine of ratatouille is called tfjs-nod, so a trainer must be there that has one: did you mean tfjs-node or tfjs-node-gpu?",
    ],
  );
});

test("pixels do not matter for a look: only the folder's form does", async () => {
  await using birds = await withBirds();
  await writeFolder(birds.join("birds"), {
    "photo/owl/text.jpg": "no image",
    "photo/jay/large.png": encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(0) }),
  });
  assert.equal((await lookAt(birds)).target.count, 14);
});

test("records are looked at as images are, and what cannot be used is one sentence at the line of its key", async () => {
  await using birds = await withBirds();
  const line = (label: string, i: number, item?: string) => `${JSON.stringify({ label, i, ...(item ? { item } : {}) })}\n`;
  const lines = (item?: string) => [0, 1, 2, 3, 4].flatMap((i) => [line("even", i, item), line("odd", i, item)]).join("");
  await writeFolder(birds.join("numbers"), { "a.jsonl": lines(), "b.jsonl": lines("x") });
  await writeFolder(birds.join("broken"), { "a.jsonl": lines(), "b.jsonl": '{"i":1}\n' });
  const run = (changes: Readonly<Record<string, string>> = {}) =>
    lookAt(birds, {
      ...{ target: "{ records: ./numbers }", foundation: "{ network: my-net, head: [out.weight] }", auxiliaries: "[./numbers]" },
      ...changes,
    });
  const { target, network, auxiliaries } = await run();
  assert.deepEqual([target.domains, target.classes, target.count, network], [["a", "b"], ["even", "odd"], 20, undefined]);
  assert.deepEqual(
    auxiliaries.map((each) => !Array.isArray(each) && each.at.generator),
    ["records/1"],
  );
  const said = [
    [{ "held-out-items": "0.2" }, /`held-out-items` at line \d needs an `item` in every record, .* 10 of 20 in .*numbers have none/],
    [
      { target: "{ images: ./numbers }" },
      /`target` at line 2 names .*numbers, which has records and no images: write `records` in the place of `images`/,
    ],
    [{ target: "{ records: ./broken }" }, /`target` at line 2 cannot be used: .*b\.jsonl line 1: has no field "label"/],
    [{ target: "{ records: ./birds }" }, /`target` at line 2 cannot be used: .*png" is an image among records/],
    [{ auxiliaries: "[./birds]" }, /`auxiliaries` at line 5 cannot be used: .*is an image among records/],
    [{ target: "{ records: ./missing }" }, /`target` at line 2 cannot be used: the folder of records .*missing does not exist/],
    [{ "held-out": "c" }, /`held-out` at line 3 names "c", which is no domain of .*numbers/],
  ] as const;
  for (const [changes, expected] of said) assert.match(await sentence(run(changes)), expected);
});
