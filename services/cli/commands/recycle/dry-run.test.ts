import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { bytes } from "#libs/text";
import { writeFolder } from "../../../../libs/image-sets/testing/image-folder.ts";
import { withBirds, writeModel } from "../../study/testing/birds.ts";
import { dryRun } from "./dry-run.ts";
import { prepareRun } from "./prepare.ts";

/** What a dry run of a run file writes. */
async function written(text: string, path: string, options: { json?: boolean; all?: boolean } = {}): Promise<string> {
  const said: string[] = [];
  const stream = { write: (part: string) => said.push(part) > 0 } as unknown as NodeJS.WriteStream;
  const context = { stdout: stream, stderr: { write: () => true }, signal: new AbortController().signal } as unknown as Parameters<
    typeof dryRun
  >[2];
  assert.equal(await dryRun(await prepareRun(text, path, context), options, context), 0);
  return said.join("");
}

test("a dry run shows all jobs, each training with its numbers, and what goes in and comes out", async () => {
  await using birds = await withBirds();
  await writeModel(birds.join("inat.safetensors"), 7);
  const path = birds.join("birds.yaml");
  const text = birds.runFile({ "held-out": "photo", auxiliaries: "[./inat.safetensors]", "fine-tuning": "{ members: 2, steps: 50 }" });
  await writeFile(path, text);
  const said = await written(text, path);
  assert.match(said, /^stage +jobs +steps +images +time +models\n/);
  assert.match(said, /^linear probe +1 +\d+ +32 x 2 +less than 10 s +\d+ [kM]i?B$/m);
  assert.match(said, /^fine-tuning: recycled +2 +50, 5 \+ 50 +32 x 2 /m);
  assert.match(said, /^averaging +\d+ +less than 10 s +\d+ [kM]i?B$/m);
  assert.doesNotMatch(said, /held out photo/);
  assert.match(said, /--all lists every training/);
  assert.match(await written(text, path, { all: true }), /held out photo · recycled 1 +5 \+ 50 +32 x 2 /);
  assert.match(said, /network +mlp\n/);
  assert.match(said, /engine +auto/);
  assert.match(
    said,
    /time +.* on one trainer like this machine; measured here: 10 steps on (wasm|tfjs-node) with 16 images each, [\d.e-]+ s a step/,
  );
  assert.match(said, /Nothing was trained and nothing was stored/);
  const { trainings, needs } = JSON.parse(await written(text, path, { json: true }));
  assert.equal(trainings.length, 7);
  assert.ok(trainings.every(({ seed }: { seed: number }) => Number.isInteger(seed)));
  assert.equal(needs.importedFiles, 14);
  assert.ok(needs.importedBytes > 1000 && needs.memoryBytes > 2 ** 20, bytes(needs.importedBytes));
});

test("where no engine here is fast enough for the network, a dry run says so at once, and what would help", async () => {
  await using birds = await withBirds();
  const path = birds.join("birds.yaml");
  const text = birds.runFile({ "held-out": "photo", foundation: "{ network: resnet50 }", "fine-tuning": "{ members: 2, steps: 50 }" });
  await writeFile(path, text);
  const before = process.env["XDG_CACHE_HOME"];
  process.env["XDG_CACHE_HOME"] = birds.join("cache");
  try {
    const said = await written(text, path);
    assert.match(
      said.replaceAll(/\s+/g, " "),
      /engine auto: the fastest that a trainer has; this machine has none that is fast enough for resnet50; ratatouille setup tensorflow installs one /,
    );
    assert.match(said, /nothing was measured/);
  } finally {
    if (before === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = before;
  }
});

test("of a network that only trainers know nothing is measured, and its memory is reckoned by its weights", async () => {
  await using birds = await withBirds();
  const lines = ["x", "y"].map((label) => `${JSON.stringify({ label })}\n`).join("");
  await writeFile(birds.join("a.jsonl"), lines);
  await writeFolder(birds.join("numbers"), { "a.jsonl": lines, "b.jsonl": lines });
  const path = birds.join("numbers.yaml");
  const text = (foundation: string) =>
    `name: numbers\ntarget: { records: ./numbers }\nheld-out: all\nfoundation: { network: my-net, head: [head.weight]${foundation} }\nbackend: [own, torch]\n`;
  const drawn = await written(text(""), path);
  assert.match(drawn, /^stage +jobs +steps +records\n/);
  assert.match(drawn, /^pre-training +1 +1 +64\n/m);
  assert.match(drawn, /network +my-net, which only trainers know\nengine +own or torch\nimported +4 records, /);
  assert.match(drawn, /memory +805 MB of a trainer/);
  assert.doesNotMatch(drawn, /\ntime |\nmodels /);
  const given = await written(text(", weights: ./foundation.safetensors"), path);
  assert.match(given, /^stage +jobs +steps +records +models\n/);
  assert.match(given, /models +at most [\d.]+ [kM]i?B in the catalog/);
});
