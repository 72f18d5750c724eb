import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { connect } from "#libs/rpc";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { type LocalSystem, startLocalSystem } from "../../deploy/local/system.ts";
import { namesOf } from "../../services/cli/commands/completion/names.ts";
import { commandContext } from "../../services/cli/context.ts";
import { type Cli, startCli } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { isAlive } from "./processes.ts";
import { writeSmallest } from "./run-file.ts";

const directory = await temporaryDirectory();
/** A system of several processes. */
let system: LocalSystem;
/** A run that takes longer than anybody looks. */
let endless = "";
before(async () => {
  system = await startLocalSystem({ directory: directory.join("system"), trainers: 1 });
  endless = await writeSmallest(directory.join("endless.yaml"), (run) => {
    run["fine-tuning"].steps = 1_000_000;
  });
});
after(async () => {
  const pids = [...system.programs.values()].map(({ pid }) => pid ?? 0);
  await system[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
  assert.deepEqual(pids.filter(isAlive), []);
});

const server = () => ["--server", system.address];
const trainers = async () => JSON.parse(await succeedHere(["trainers", "list", "--json", ...server()])) as { name: string; id: string }[];
const trainer = (name: string, ...more: readonly string[]): Cli => startCli(["trainer", ...server(), "--name", name, ...more]);

test("a program that is stopped stays down, its calls are UNAVAILABLE, and it can be started again", async () => {
  using channel = connect(system.address);
  const catalog = system.programs.get("catalog")!;
  await catalog.stop();
  assert.equal(catalog.pid, undefined);
  await assert.rejects(channel.client(CatalogService).moveRef({}), { code: 14 });
  const { processes } = await channel.client(SystemService).getSystem({});
  assert.match(processes.find(({ service }) => service === "catalog")?.problem ?? "", /not available|did not finish/);
  await catalog.start();
  await channel.client(CatalogService).listRefs({});

  const recycle = ["recycle", endless, ...server(), "--out", directory.join("endless")];
  await using quiet = startCli([...recycle, "--quiet"]);
  await using loud = startCli(recycle);
  await loud.line(/^fine-tuning: 2 jobs/);
  const missing = ["nats-server", "trainer-1"].map((name) => system.programs.get(name)!);
  await Promise.all(missing.map((program) => program.stop()));
  const within = 10_000;
  await Promise.all(
    [quiet, loud].flatMap((cli) => [
      cli.line(/^(ratatouille: )?bus is missing, says \w+: \S/, within),
      cli.line(
        /^(ratatouille: )?2 jobs wait: no trainer runs; one that can run them joins with: ratatouille trainer --server \S+$/,
        within,
      ),
    ]),
  );
  const bus = await waitFor(
    async () => {
      const { stdout } = await runHere(["doctor", ...server(), "--data", directory.join("none"), "--json"]);
      return (JSON.parse(stdout) as { findings: { topic: string; right: boolean; fact: string; advice?: string }[] }).findings.find(
        ({ topic }) => topic === "bus",
      );
    },
    { what: "a doctor that names the bus" },
  );
  assert.equal(bus.right, false);
  assert.match(bus.fact, /^missing, say .*finetune.*: /);
  assert.match(bus.advice ?? "", /^start nats-server, /);
  for (const program of missing) await program.start();
  await Promise.all([quiet, loud].flatMap((cli) => [cli.line("bus: there again", within), cli.line("no more: no trainer runs", within)]));
  assert.deepEqual(quiet.stderr().trimEnd().split("\n").length, 4, quiet.stderr());
});

test("a run says what no trainer has, goes on when one comes, and trainers come and go", async () => {
  await system.programs.get("trainer-1")?.stop();
  assert.match(await succeedHere(["trainers", "list", ...server()]), /^No trainers are there\./);
  await using run = startCli(["recycle", endless, ...server(), "--out", directory.join("out")]);
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
  // Asked for here: who presses Tab gets nothing after a second, which is not enough on a busy machine.
  await using stack = new AsyncDisposableStack();
  const asked = { data: directory.join("none"), server: system.address };
  assert.deepEqual(await namesOf("trainers", asked, commandContext(stack, new AbortController().signal)), ["remy"]);
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
