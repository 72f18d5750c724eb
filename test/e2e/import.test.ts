import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadWeights, saveFloat32 } from "#libs/tensors";
import { temporaryDirectory } from "#libs/testing";
import { root } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";

const fixtures = join(root, "test/fixtures/torch-files");
const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
const options = { cwd: directory.path, env: { XDG_CACHE_HOME: directory.join("cache"), RATATOUILLE_DATA: "data" } };

type Imported = {
  path: string;
  digest: string;
  name: string;
  parameters: number;
  dtypes: string[];
  licences: string[];
  sentBytes: number;
  base?: string;
};
const imported = async (...args: string[]) => JSON.parse(await succeedHere(["import", ...args, "--json"], options)) as Imported[];
type Expected = Record<string, Record<string, { shape: number[]; values: number[] }>>;
const expected = (JSON.parse(await readFile(join(fixtures, "expected.json"), "utf8")) as Expected)["zip-checkpoint.pth"]!;

test("a checkpoint comes into the catalog, is pulled as safetensors with PyTorch's numbers, and is the same the next time", async () => {
  await copyFile(join(fixtures, "zip-checkpoint.pth"), directory.join("best.pth"));
  const { stdout, stderr } = await runHere(["import", "best.pth", "--licence", "mit"], options);
  assert.match(
    stderr,
    /^note: best\.pth: the tensors of "state_dict" are taken; beside it are .*\nnote: best\.pth: all names begin with "module\."/,
  );
  assert.match(
    stdout,
    /^imported +best\.pth\ndigest +sha256:[0-9a-f]{64}\nname +imported\/best\nparameters +17 in 7 tensors, F32 and I64\n/,
  );
  assert.match(stdout, /\nlicence +MIT\n$/);
  const [again] = await imported("best.pth", "--licence", "MIT");
  assert.deepEqual([again!.name, again!.sentBytes, stdout.includes(again!.digest)], ["imported/best", 0, true]);
  await succeedHere(["models", "pull", "imported/best", "--out", "pulled"], options);
  const weights = loadWeights(new Uint8Array(await readFile(directory.join("pulled/model.safetensors"))));
  assert.deepEqual([...weights.keys()].sort(), Object.keys(expected).sort());
  for (const [name, { shape, values }] of Object.entries(expected)) {
    assert.deepEqual(weights.get(name)!.shape, shape);
    assert.deepEqual([...weights.get(name)!.data].map(Number), values);
  }
});

test("models of different declared bases are told apart; names and licences are kept; a name of another one is not taken", async () => {
  for (const [name, file] of [["f", "zip.pth"], ["g", "legacy-protocol5.pth"], ["x", "zip-parameters.pth"]] as const) await copyFile(join(fixtures, file), directory.join(`${name}.pth`)); // biome-ignore format: one row
  const [f, g] = await imported("f.pth", "g.pth", "--licence", "apache-2.0");
  assert.deepEqual([f!.name, f!.licences, g!.base], ["imported/f", ["Apache-2.0"], undefined]);
  const [ofF] = await imported("f.pth", "--base", "imported/f");
  assert.equal(ofF!.base, f!.digest);
  assert.match(ofF!.name, new RegExp(`^imported/f-${ofF!.digest.slice(7, 15)}$`));
  const [ofG] = await imported("g.pth", "--base", g!.digest, "--name", "tuned/g");
  assert.deepEqual(ofG!.licences, ["LicenseRef-unknown"]);
  const { code, stdout } = await runHere(["check", ofF!.digest, "tuned/g"], options);
  assert.equal(code, 1);
  assert.match(stdout, /The models come from different foundation models/);
  const moved = await succeedHere(["import", "x.pth", "--name", "tuned/g"], options);
  assert.match(moved, new RegExp(`\nname +tuned/g, which was ${ofG!.digest}\n`));
  assert.match(moved, /\nlicence +unknown, and so is that of all that is made of this model; --licence says it\n/);
});

test("the licence of a card is that of the import, and --licence says aloud where it is another one", async () => {
  await mkdir(directory.join("card"));
  await writeFile(directory.join("card/model.safetensors"), saveFloat32(new Map([["w", { shape: [1], data: Float32Array.of(7) }]])));
  await writeFile(directory.join("card/README.md"), "---\nlicense: apache-2.0\n---\n# A model\n");
  const quiet = await runHere(["import", "card", "--name", "card/a"], options);
  assert.match(quiet.stdout, /\nlicence +Apache-2\.0\n/);
  assert.doesNotMatch(quiet.stderr, /licence/);
  assert.doesNotMatch((await runHere(["import", "card", "--licence", "Apache-2.0"], options)).stderr, /licence/);
  const other = await runHere(["import", "card", "--licence", "mit", "--name", "card/b"], options);
  assert.match(other.stdout, /\nlicence +MIT\n/);
  assert.match(
    other.stderr.replace(/\s+/g, " "),
    /note: card says of itself that its licence is Apache-2\.0; it is imported as MIT, as --licence says/,
  );
});

test("what cannot be imported is said in one sentence, and nothing is stored of what is named beside it", async () => {
  await copyFile(join(fixtures, "zip-system.pth"), directory.join("evil.pth"));
  await mkdir(directory.join("adapter"));
  await copyFile(join(fixtures, "zip.pth"), directory.join("adapter/adapter_model.bin"));
  await writeFile(directory.join("adapter/adapter_config.json"), "{}");
  const other = { ...options, env: { ...options.env, RATATOUILLE_DATA: "other" } };
  const cases: readonly (readonly [args: string[], code: number, said: RegExp])[] = [
    [["evil.pth"], 1, /^ratatouille: evil\.pth: it wants to call os\.system \(posix\.system\); nothing of it was run\n$/],
    [["nothing.pth"], 2, /^ratatouille: cannot read nothing\.pth: it does not exist\n$/],
    [["adapter"], 2, /^ratatouille: adapter is an adapter, and the catalog has whole models: apply it first/],
    [
      ["f.pth", "--licence", "mine"],
      2,
      /"mine" is no licence of https:\/\/spdx\.org\/licenses; write LicenseRef-… for one that is not there/,
    ],
  ];
  for (const [args, code, said] of cases) {
    const end = await runHere(["import", "best.pth", ...args], other);
    assert.deepEqual([end.code, end.stdout], [code, ""], args[0]);
    assert.match(end.stderr.replace(/^note: .*\n/gm, ""), said);
  }
  assert.ok(!existsSync(directory.join("other")));
  const unknown = await runHere(["import", "f.pth", "--base", "imported/none"], options);
  assert.match(unknown.stderr, /there is no model "imported\/none"/);
});
