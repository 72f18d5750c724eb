import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { initialise, networkOf } from "#libs/networks";
import { parseStudyFile } from "#libs/runfile";
import { saveWeights } from "#libs/tensors";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { withBirds } from "../../study/testing/birds.ts";
import { findModels, guessStarts } from "./find-models.ts";
import { init } from "./init.ts";
import { arePaths, askAt } from "./questions.ts";
import { runFileText } from "./run-file-text.ts";

const weights = (classes: number) => saveWeights(initialise(networkOf("mnist-cnn", { classes }), 1));
const context = () => {
  const said: string[] = [];
  const stream = { write: (text: string) => said.push(text) > 0 } as unknown as NodeJS.WriteStream;
  return { said, context: { stdout: stream, stderr: stream, signal: new AbortController().signal } as Parameters<typeof init>[2] };
};

async function initIn(birds: TemporaryDirectory): Promise<ReturnType<typeof parseStudyFile>> {
  const out = birds.join("run.yaml");
  assert.equal(await init(birds.join("birds"), { yes: true, out }, context().context), 0);
  return parseStudyFile(await readFile(out, "utf8"), { path: out });
}

test("a folder of images and the models beside it make a run file of ten lines that can be read", async () => {
  await using birds = await withBirds();
  await writeFile(birds.join("letters.safetensors"), weights(26));
  await writeFile(birds.join("pretrained.safetensors"), weights(10));
  await writeFile(birds.join("notes.bin"), "no model");
  const file = await initIn(birds);
  assert.equal(file.name, "birds");
  assert.deepEqual(file.target.path, birds.join("birds"));
  assert.deepEqual(file.foundation, { kind: "model", path: birds.join("pretrained.safetensors") });
  assert.deepEqual(
    file.auxiliaries.map(({ name }) => name),
    ["letters"],
  );
  const lines = (await readFile(birds.join("run.yaml"), "utf8")).split("\n").filter((line) => !line.startsWith("#") && line !== "");
  assert.equal(lines.length, 10);
  assert.ok(lines.every((line) => line.includes(" # ")));
});

test("folders of images beside it are suggested as auxiliaries in a comment, and nothing else that is there", async () => {
  await using birds = await withBirds();
  const image = await readFile(birds.join("birds/photo/jay/1.png"));
  for (const path of ["cub/aviary/jay/0.png", "docs/pages/first/notes.txt", ".hidden/a/b/0.png", "flat/0.png"]) {
    await mkdir(dirname(birds.join(path)), { recursive: true });
    await writeFile(birds.join(path), image);
  }
  const file = await initIn(birds);
  assert.deepEqual(file.auxiliaries, []);
  const text = await readFile(birds.join("run.yaml"), "utf8");
  assert.match(text, /^auxiliaries: .*\n# of this form beside it, if they are of other things: \[\.\/cub\]\n/m);
});

test("without models the network is drawn, and what is there is never written over", async () => {
  await using birds = await withBirds();
  const file = await initIn(birds);
  assert.deepEqual([file.network.name, file.foundation.kind, file.auxiliaries.length], ["resnet18", "drawn", 0]);
  const { said, context: other } = context();
  await init(birds.join("birds"), { yes: true, out: birds.join("other.yaml") }, other);
  assert.match(said.join(""), /without auxiliaries nothing is recycled/);
  assert.match(said.join(""), /the foundation has no weights, so resnet18 starts untrained/);
  await assert.rejects(
    init(birds.join("birds"), { yes: true, out: birds.join("run.yaml") }, context().context),
    /run\.yaml exists already; --out names another file/,
  );
  await assert.rejects(init(birds.join("missing"), { yes: true }, context().context), /the folder of images .*missing does not exist/);
});

test("a folder of records is told from one of images, with where to go on", async () => {
  await using directory = await temporaryDirectory();
  await writeFile(directory.join("news.jsonl"), '{"label":"noun","word":"dog"}\n');
  await assert.rejects(
    init(directory.path, { yes: true }, context().context),
    /has records that are no images, .* says target: \{ records: /,
  );
});

test("models of known networks are found by their tensors, and the foundation is guessed by its head", async () => {
  await using birds = await withBirds();
  await writeFile(birds.join("a.safetensors"), weights(26));
  await writeFile(birds.join("b.safetensors"), weights(1000));
  const models = await findModels([birds.path, birds.path]);
  assert.deepEqual(
    models.map(({ network, classes }) => [network, classes]),
    [
      ["mnist-cnn", 26],
      ["mnist-cnn", 1000],
    ],
  );
  assert.equal(guessStarts(models)?.foundation, birds.join("b.safetensors"));
  assert.equal(guessStarts([]), undefined);
});

test("a question is asked again until its answer can be", async () => {
  const input = new PassThrough();
  const said: string[] = [];
  using ask = askAt(input, { write: (text) => said.push(text) }, new AbortController().signal);
  const answer = ask.question("How many?", "8", (text) => (/^\d+$/.test(text) ? undefined : "A number."));
  input.write("many\n12\n");
  assert.equal(await answer, "12");
  assert.deepEqual(said, ["How many? [8] ", "A number.\n", "How many? [8] "]);
  const usual = ask.question("How many?", "8");
  input.write("\n");
  assert.equal(await usual, "8");
});

test("a path where nothing is is objected to, seen from the run file", async () => {
  await using birds = await withBirds();
  const check = arePaths(birds.path);
  assert.deepEqual(
    [check("none"), check("./birds, foundation.safetensors"), check(birds.join("birds"))],
    [undefined, undefined, undefined],
  );
  assert.equal(check("birds, ./bird.pth"), `There is nothing at ./bird.pth, seen from ${birds.path}.`);
});

test("names that YAML would read as something else stand in quotes", () => {
  const odd = { name: "x", images: "./a b", seen: { images: 1, domains: ["0", "no"], classes: 2 }, heldOut: ["0", "no", "a: b", "photo"] };
  const text = runFileText({ ...odd, path: "x.yaml", network: "resnet18", auxiliaries: ["./x, y.pth"], members: 1, steps: 1 });
  const file = parseStudyFile(text, { path: "/x.yaml" });
  assert.deepEqual(file.heldOut, ["0", "no", "a: b", "photo"]);
  assert.deepEqual([file.target.path, file.auxiliaries[0]?.from], ["/a b", { kind: "path", path: "/x, y.pth" }]);
});
