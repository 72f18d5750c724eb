import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { mediaTypes } from "#libs/recipes";
import { temporaryDirectory } from "#libs/testing";
import { runCli, succeed } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { digestsOf, eventsOf, readReport } from "./outputs.ts";
import { writeSmallest } from "./run-file.ts";

const directory = await temporaryDirectory();
const finished = { file: "", data: directory.join("finished"), out: directory.join("finished-out") };
const name = "smallest/seed-1/held-out-60";

before(async () => {
  finished.file = await writeSmallest(directory.join("smallest.yaml"));
  await succeed(["recycle", finished.file, "--data", finished.data, "--out", finished.out, "--quiet", "--trainers", "1"]);
});
after(() => directory[Symbol.asyncDispose]());

/** A deep network whose fine-tunings take a step of 10^4 where the factor is 100: at the second step nothing is finite any more. */
function writeExploding(file: string, factors: readonly number[], onFailure: "fail" | "continue"): Promise<string> {
  return writeSmallest(directory.join(file), (run) => {
    run.foundation.hidden = Array(8).fill(32);
    run["fine-tuning"].members = 4;
    run["fine-tuning"]["learning-rate"] = 100;
    run["fine-tuning"]["learning-rate-factors"] = factors;
    run["on-failure"] = onFailure;
  });
}

const notFinite = "The loss is not finite at step 2 with learning rate 10000; a smaller learning rate may help";

test("a loss that is not finite fails the run with its step and learning rate", async () => {
  const file = await writeExploding("fail.yaml", [100], "fail");
  const out = directory.join("fail-out");
  const { code, stdout, stderr } = await runCli(["recycle", file, "--data", directory.join("exploding"), "--out", out, "--trainers", "1"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.equal(stderr.match(/the run failed/g)?.length, 1);
  assert.match(
    stderr.trimEnd().split("\n").at(-1) ?? "",
    new RegExp(`^ratatouille: the run failed: seed 1 · held out 60° · recycled \\d: ${notFinite}$`),
  );
  assert.equal(existsSync(out), false);
});

test("where the run file says so, the run goes on without them and the report names them", async () => {
  const file = await writeExploding("continue.yaml", [1e-5, 100], "continue");
  const out = directory.join("continue-out");
  const { code, stdout } = await runHere(["recycle", file, "--data", directory.join("exploding"), "--out", out, "--trainers", "1"]);
  assert.equal(code, 0);
  const [cell] = (await readReport(out)).cells;
  assert.ok(cell && cell.failed.length > 0 && cell.members.length > 0);
  assert.deepEqual([...cell.failed, ...cell.members].map(({ index }) => index).sort(), [0, 1, 2, 3]);
  for (const { set, error } of cell.failed) assert.deepEqual([set, error], ["recycled", notFinite]);
  for (const { learningRate } of cell.members) assert.equal(learningRate, 100 * 1e-5);
  assert.equal(cell.averages.find(({ method }) => method === "recycling")?.members, cell.members.length);
  assert.match(stdout, /of 4 fine-tunings failed and were left out/);
  const page = await readFile(join(out, "report.html"), "utf8");
  for (const { index } of cell.failed) assert.ok(page.includes(`recycled ${index}`), `recycled ${index} is not on the page`);
});

test("where nothing is left, the run fails although it may go on without members", async () => {
  const file = await writeExploding("none.yaml", [100], "continue");
  const { code, stderr } = await runHere(["recycle", file, "--data", directory.join("exploding"), "--trainers", "1"]);
  assert.equal(code, 1);
  assert.match(stderr, /\nratatouille: the run failed: seed 1 · held out 60° · recycling: nothing is left of its models\n$/);
});

test("a flipped bit in a model is noticed, never used, named, and repaired by the same command", async () => {
  const data = directory.join("flipped");
  await cp(finished.data, data, { recursive: true });
  const { weights, blob } = await weightsOf(name, data);
  await flipBit(blob);
  const before = await readFile(blob);
  const pulled = directory.join("pulled");
  const refused = await runHere(["models", "pull", name, "--data", data, "--out", pulled]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^ratatouille: artifact sha256:[0-9a-f]{64} is damaged; run its recipe again\n$/);
  assert.equal(existsSync(pulled), false);
  assert.match(await succeedHere(["models", "list", "--data", data]), /smallest\/seed-1\/held-out-60 +damaged$/m);

  const out = directory.join("flipped-out");
  await succeedHere(["recycle", finished.file, "--data", data, "--out", out, "--trainers", "1"]);
  assert.deepEqual(digestsOf(await readReport(out)), digestsOf(await readReport(finished.out)));
  assert.notDeepEqual(await readFile(blob), before);
  const weightsFile = join("models", "seed-1", "held-out-60", "model.safetensors");
  assert.deepEqual(await readFile(join(out, weightsFile)), await readFile(join(finished.out, weightsFile)));
  assert.match(await readFile(join(data, "logs", "ratatouille.log"), "utf8"), new RegExp(`"warn".*${weights}.*damaged blob set aside`));
  assert.equal((await readdir(join(data, "blobs", "corrupt"))).length, 1);
  assert.doesNotMatch(await succeedHere(["models", "list", "--all", "--data", data]), /damaged/);
});

test("a member that lost its file is trained again, and nothing else is", async () => {
  const data = directory.join("lost");
  await cp(finished.data, data, { recursive: true });
  const member = (await readReport(finished.out)).cells[0]?.members[0]?.model ?? "";
  await rm((await weightsOf(member, data)).blob);
  const out = directory.join("lost-out");
  const stdout = await succeedHere(["recycle", finished.file, "--data", data, "--out", out, "--json", "--trainers", "1"]);
  assert.deepEqual(
    eventsOf(stdout).flatMap(({ event, state, label }) => (event === "job" ? [[state, label]] : [])),
    [["succeeded", "seed 1 · held out 60° · recycled 0"]],
  );
  assert.deepEqual(digestsOf(await readReport(out)), digestsOf(await readReport(finished.out)));
});

/** The digest of the weights of a model, and the file that has them. */
async function weightsOf(model: string, data: string) {
  const { layers } = JSON.parse(await succeedHere(["models", "show", model, "--data", data, "--json"]));
  const weights: string = layers.find(({ mediaType }: { mediaType: string }) => mediaType === mediaTypes.weights).digest;
  const digits = weights.slice("sha256:".length);
  return { weights, blob: join(data, "blobs", "sha256", digits.slice(0, 2), digits) };
}

async function flipBit(file: string): Promise<void> {
  await using opened = await open(file, "r+");
  const byte = Buffer.alloc(1);
  await opened.read(byte, 0, 1, 2000);
  byte[0] = (byte[0] ?? 0) ^ 1;
  await opened.write(byte, 0, 1, 2000);
}
