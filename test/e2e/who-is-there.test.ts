import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { startLocalSystem } from "../../deploy/local/system.ts";
import { type Cli, startCli, succeed } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { writeSmallest } from "./run-file.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

/** A system of several processes, without trainers. */
let system: Awaited<ReturnType<typeof startLocalSystem>>;
before(async () => {
  system = await startLocalSystem({ directory: directory.join("system"), trainers: 0 });
});
after(() => system[Symbol.asyncDispose]());

const server = () => ["--server", system.address];
const trainers = async () => JSON.parse(await succeedHere(["trainers", "list", "--json", ...server()])) as { name: string; id: string }[];
const trainer = (name: string, ...more: readonly string[]): Cli => startCli(["trainer", ...server(), "--name", name, ...more]);

test("a run says what no trainer has, goes on when one comes, and trainers come and go", async () => {
  assert.match(await succeedHere(["trainers", "list", ...server()]), /^No trainers are there\./);
  const file = await writeSmallest(directory.join("smallest.yaml"), (run) => {
    // Long enough to be looked at.
    run["fine-tuning"].steps = 1_000_000;
  });
  await using run = startCli(["recycle", file, ...server(), "--out", directory.join("out")]);
  await run.line("(run-");
  const began = performance.now();
  assert.match(
    await run.line("no trainer"),
    /^\d+ jobs wait: no trainer runs; one that can run them joins with: ratatouille trainer --server \S+$/,
  );
  assert.ok(performance.now() - began < 10_000);
  assert.match(
    (await runHere(["doctor", ...server(), "--data", directory.join("none")])).stdout,
    /NO {2}jobs +\d+ jobs? waits?: no trainer runs/,
  );
  await using remy = trainer("remy", "--memory", "2048");
  await run.line("no more: no trainer runs");
  const [known] = await waitFor(async () => (await trainers()).length === 1 && trainers(), { what: "the trainer to be there" });
  assert.equal(known?.name, "remy");
  await waitFor(async () => /recycled \d/.test(await succeedHere(["trainers", "show", "remy", ...server()])), { what: "a job on it" });
  const shown = await succeedHere(["trainers", "show", known.id, ...server()]);
  assert.match(shown, /^trainer +remy\nid +[0-9a-f-]{36}\ndevice +cpu\nmemory +2\.1 GB\n/);
  assert.match(shown, /\nengine wasm +cpu; tfjs-wasm-simd/);
  assert.match(shown, /\nruntime +\w+ \d/);
  const completed = () => succeed(["names", "trainers", "trainers", "show", ...server()]);
  // On a machine that is busy nothing is offered within the second that there is.
  await waitFor(async () => (await completed()) === "remy\n", { timeoutMs: 60_000, intervalMs: 500, what: "the name to be offered" });
  const unknown = await runHere(["trainers", "show", "linguini", ...server()]);
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'ratatouille: there is no trainer "linguini"\n']);
  // One that is asked to end says so; of one that is killed nothing is heard.
  remy.signal("SIGTERM");
  await remy.ended;
  assert.deepEqual(await trainers(), []);
  await using killed = trainer("colette");
  await waitFor(async () => (await trainers()).length === 1, { what: "another trainer" });
  killed.signal("SIGKILL");
  const said = () => run.stdout() + run.stderr();
  const isMissed = () => said().lastIndexOf(" no trainer runs; ") > said().lastIndexOf("no more: no trainer runs");
  await waitFor(isMissed, { timeoutMs: 20_000, what: "it to be missed" });
  await waitFor(async () => (await trainers()).length === 0, { what: "it to be gone" });
  run.signal("SIGINT");
  await run.ended;
});
