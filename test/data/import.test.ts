import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { smallPng, writeFolder } from "../../libs/image-sets/testing/image-folder.ts";
import { runHere, succeedHere } from "../e2e/here.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());
const options = { cwd: directory.path, env: { RATATOUILLE_DATA: "data" } };
const files = Object.fromEntries(
  ["photo/owl", "photo/hen", "sketch/owl"].flatMap((folder, f) => [0, 1, 2].map((i) => [`birds/${folder}/${i}.png`, 3 * f + i])),
);

test("a folder of images comes into the catalog with its licence, and is the same the next time", async () => {
  await writeFolder(directory.path, files);
  await writeFile(directory.join("birds/source.json"), '{"licence": "CC-BY-4.0", "source": "drawn by hand"}');
  const stdout = await succeedHere(["import", "birds"], options);
  assert.match(
    stdout,
    /^imported +birds\ndigest +sha256:[0-9a-f]{64}\nname +imported\/birds\nimages +9, 2 domains, 2 classes\nsize +\d+ kB in archives\nlicence +CC-BY-4.0\nchecked +every image was read to its end\n/,
  );
  const [again] = JSON.parse(await succeedHere(["import", "birds", "--json"], options)) as { [fact: string]: unknown }[];
  assert.ok(stdout.includes(String(again!["digest"])));
  assert.deepEqual(
    [again!["sentBytes"], again!["domains"], again!["pictures"], again!["classes"]],
    [0, ["photo", "sketch"], [6, 3], ["hen", "owl"]],
  );
});

test("what is wrong with a folder of images is said before anything is stored", async () => {
  await writeFolder(directory.path, { "loose/a.png": 1 });
  const failure = async (...args: string[]) => {
    const { code, stderr } = await runHere(["import", ...args], options);
    return [code, stderr];
  };
  assert.deepEqual(await failure("loose"), [2, "ratatouille: 1 image lies right in loose: expected domain/class/image\n"]);
  assert.deepEqual(await failure("birds", "--base", "imported/f"), [
    2,
    "ratatouille: --base is for models, and birds is a folder of images\n",
  ]);
});

test("an image that cannot be decoded ends the import, and is named", async () => {
  await writeFolder(directory.path, { "cut/photo/owl/1.png": 1, "cut/photo/hen/2.png": smallPng(2).subarray(0, 60) });
  const { code, stdout, stderr } = await runHere(["import", "cut"], options);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /^ratatouille: cut\/photo\/hen\/2\.png: [^\n]+\n$/);
});
