import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { root } from "./cli.ts";
import { runHere } from "./here.ts";
import { writeReplaced, writeTiny } from "./run-file.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

/** Runs a file that cannot be run and returns the one sentence that it gets. Nothing may be left behind. */
async function refusal(file: string): Promise<string> {
  const [data, out] = [directory.join("data"), directory.join("out")];
  const { code, stdout, stderr } = await runHere(["recycle", file, "--data", data, "--out", out]);
  assert.deepEqual([code, stdout], [2, ""], stderr);
  assert.deepEqual([existsSync(data), existsSync(out)], [false, false]);
  const lines = stderr.trimEnd().split("\n");
  assert.equal(lines.length, 1, stderr);
  return (lines[0] ?? "").replace(/^ratatouille: /, "").replaceAll(directory.path, ".");
}

const path = directory.join("run.yaml");

/** What is wrong in the tiny run file, and what has to be said about it; `line` is the line of the piece. */
const mistakes: readonly { what: string; piece: string; by: string; said: (line: number) => string }[] = [
  {
    what: "an unknown key",
    piece: "members: 3",
    by: "membres: 3",
    said: (line) => `unknown key \`membres\` at line ${line}: did you mean \`members\`?`,
  },
  {
    what: "an unknown method",
    piece: "- soup-greedy",
    by: "- soup-gredy",
    said: (line) => `unknown method \`soup-gredy\` at line ${line}: did you mean \`soup-greedy\`?`,
  },
  {
    what: "an unknown model",
    piece: "model: mlp",
    by: "model: resnet",
    said: (line) => `unknown model \`resnet\` at line ${line}: possible here: \`mlp\``,
  },
  {
    what: "an unknown domain",
    piece: "held-out: [30, 60]",
    by: "held-out: [30, 66]",
    said: (line) => `unknown domain \`66\` in \`held-out\` at line ${line}: did you mean \`60\`? \`domains\` has \`0\`, \`30\`, \`60\``,
  },
  {
    what: "no members",
    piece: "members: 3",
    by: "members: 0",
    said: (line) => `\`members\` at line ${line} must be a whole number from 1 to 1000, not \`0\``,
  },
  {
    what: "a negative learning rate",
    piece: "learning-rate: 5e-3",
    by: "learning-rate: -5e-3",
    said: (line) => `\`learning-rate\` at line ${line} must be a number above 0 and at most 100, not \`-5e-3\``,
  },
  {
    what: "something that is not YAML",
    piece: "seeds: [1]",
    by: "seeds: [1",
    said: (line) =>
      `not YAML at line ${line + 1}, column 1: Flow sequence in block collection must be sufficiently indented and end with a ]`,
  },
];

for (const { what, piece, by, said } of mistakes) {
  test(`a run file with ${what} is refused with the line and what would be right`, async () => {
    const { file, line } = await writeReplaced(path, piece, by);
    assert.equal(await refusal(file), `./run.yaml: ${said(line)}`);
  });
}

test("a held-out domain that is also the only training domain is refused", async () => {
  const file = await writeTiny(path, (run) => {
    run.target.domains = [30];
    run.target["held-out"] = [30];
  });
  assert.match(await refusal(file), /held-out domain `30` at line \d+ is also the only training domain: `domains` needs at least two$/);
});

test("several mistakes are told at once, each with its line", async () => {
  await writeTiny(path, (run) => {
    run.seeds = [];
    run.probe.steps = 0;
  });
  const { code, stderr } = await runHere(["recycle", path]);
  assert.equal(code, 2);
  assert.match(stderr, /^ratatouille: \S+ has 2 mistakes:\n {2}.*`seeds` at line \d.*\n {2}.*`steps` at line \d.*\n$/);
});

test("a run file that is missing, a directory or empty is refused", async () => {
  assert.equal(await refusal(directory.join("missing.yaml")), "cannot read the run file ./missing.yaml: it does not exist");
  await mkdir(directory.join("folder"), { recursive: true });
  assert.equal(await refusal(directory.join("folder")), "cannot read the run file ./folder: it is a directory");
  await writeFile(path, "");
  assert.equal(await refusal(path), "./run.yaml: the run file is empty");
});

test("data that is missing, cut short, of another format or does not fit together is refused", async () => {
  const copy = directory.join("digits");
  const spoil = async (how: () => Promise<unknown>) => {
    await rm(copy, { recursive: true, force: true });
    await cp(join(root, "data/digits"), copy, { recursive: true });
    await how();
    return refusal(file);
  };
  const file = await writeTiny(path, (run) => {
    run.target.data = "digits";
  });
  const [images, labels] = [join(copy, "images-idx3-ubyte"), join(copy, "labels-idx1-ubyte")];
  assert.equal(await spoil(() => rm(labels)), "cannot read ./digits/labels-idx1-ubyte: it does not exist");
  assert.match(
    await spoil(() => truncate(images, 1000)),
    /^\.\/digits\/images-idx3-ubyte: .*cut short.* needs 115024 bytes, the file has 1000$/,
  );
  assert.match(
    await spoil(() => writeFile(labels, "PNG, honestly")),
    /^\.\/digits\/labels-idx1-ubyte: .*the magic number is 0x504e472c, expected /,
  );
  const square = Buffer.alloc(16 + 28 * 28);
  square.set([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]);
  assert.equal(
    await spoil(() => writeFile(images, square)),
    "./digits/images-idx3-ubyte: expected images of 8 x 8 pixels (number x 8 x 8), found the shape 1 x 28 x 28",
  );
  const strange = await spoil(async () => {
    const bytes = await readFile(labels);
    bytes[8 + 17] = 12;
    await writeFile(labels, bytes);
  });
  assert.equal(strange, "./digits/labels-idx1-ubyte: label 17 (counted from 0) is 12; there are 10 classes, 0 to 9");
  const swapped = await spoil(async () => writeFile(labels, await readFile(images)));
  assert.match(swapped, /^\.\/digits\/labels-idx1-ubyte: expected 1797 labels/);
});

test("an output that cannot be written is refused before the work", async () => {
  const file = directory.join("taken");
  await writeFile(file, "mine");
  for (const [out, why] of [
    [file, "it is not a directory"],
    [join(file, "below"), "what should be its folder is a file"],
  ] as const) {
    const data = directory.join("data");
    const { code, stdout, stderr } = await runHere(["recycle", join(root, "examples/tiny.yaml"), "--data", data, "--out", out]);
    assert.deepEqual([code, stdout, stderr], [2, "", `ratatouille: cannot write to ${out}: ${why}; name another place with --out\n`]);
    assert.equal(existsSync(data), false);
  }
  assert.equal(await readFile(file, "utf8"), "mine");
});
