import assert from "node:assert/strict";
import { after, test } from "node:test";
import { connect } from "#libs/rpc";
import { type RuntimeName, runtimeName } from "#libs/service";
import { temporaryDirectory, testProcess, waitFor } from "#libs/testing";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { type LocalSystem, type LocalSystemOptions, startLocalSystem } from "../../deploy/local/system.ts";
import { peakMemoryMb } from "../bench/process-facts.ts";
import { root, startCli, succeed } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { assertTinyReport, readReport } from "./outputs.ts";
import { isAlive } from "./processes.ts";
import { tiny, writeSmallest } from "./run-file.ts";
import { commandOn } from "./runtimes.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

/** Starts a system, and looks at its end whether every process of it is gone. */
async function start(name: string, options: Partial<LocalSystemOptions> = {}): Promise<LocalSystem> {
  const system = await startLocalSystem({ directory: directory.join(name), ...options });
  return {
    ...system,
    async [Symbol.asyncDispose]() {
      const pids = [...system.programs.values()].map(({ pid }) => pid ?? 0);
      await system[Symbol.asyncDispose]();
      assert.deepEqual(pids.filter(isAlive), []);
    },
  };
}

const runtimes: Readonly<Record<string, RuntimeName>> = {
  catalog: "node",
  finetune: "deno",
  averaging: "bun",
  sessions: "node",
  evaluation: "node",
  recycling: "bun",
  gateway: "deno",
  "trainer-1": "node",
  "trainer-2": "deno",
};

test("services in processes of their own, on Bun, Node and Deno, make the same models, and the gateway says who is what", async () => {
  await using system = await start("mixed", { runtimeOf: (program) => runtimes[program] });
  const out = directory.join("mixed-out");
  await succeed(["recycle", tiny, "--server", system.address, "--out", out, "--quiet"]);
  await assertTinyReport(out);
  await assertUsage(out, system);
  assert.deepEqual(
    [...system.programs.values()].filter(({ restarts }) => restarts !== 0).map(({ name }) => name),
    [],
  );
  using channel = connect(system.address);
  const { processes } = await channel.client(SystemService).getSystem({});
  const services = ["catalog", "finetune", "averaging", "sessions", "evaluation", "recycling"];
  assert.deepEqual(
    processes.map(({ service, runtime, ready, address }) => [service, runtime.split(" ")[0], ready, address]),
    services.map((name) => [name, runtimes[name], true, system.programs.get(name)?.address]),
  );
  const doctor = JSON.parse(await succeedHere(["doctor", "--server", system.address, "--data", directory.join("nothing"), "--json"]));
  for (const name of services) {
    assert.ok(
      doctor.findings.some(({ topic, right }: { topic: string; right: boolean }) => topic === name && right),
      name,
    );
  }
});

/** That a report says what each process used: memory as the kernel says, and bytes of which none comes from nowhere. */
async function assertUsage(out: string, { programs }: LocalSystem): Promise<void> {
  const { processes = [] } = (await readReport(out)).timings;
  const names = ["gateway", ...[...programs.keys()].filter((name) => !["gateway", "nats-server"].includes(name))];
  assert.deepEqual(processes.map(({ name }) => name).sort(), names.sort());
  for (const { name, peakMemoryBytes } of processes) {
    const peak = await peakMemoryMb(programs.get(name)?.pid);
    // It may have grown since; and the kernel counts pages in batches for each core, which its two figures add up at other times.
    const fits = peak === undefined || (peakMemoryBytes > 20e6 && peakMemoryBytes <= peak * 1.02e6);
    assert.ok(fits, `${name}: ${peakMemoryBytes} of ${peak} MB`);
  }
  const sum = (of: (process: (typeof processes)[number]) => number) => processes.reduce((total, process) => total + of(process), 0);
  const catalog = processes.find(({ name }) => name === "catalog")!;
  const trainers = processes.filter(({ name }) => name.startsWith("trainer-"));
  for (const { name, downloadedBytes, uploadedBytes } of trainers) assert.ok(downloadedBytes > 100_000 && uploadedBytes > 100_000, name);
  assert.ok(sum(({ uploadedBytes }) => uploadedBytes) <= catalog.receivedBytes, "blobs that were brought to the catalog arrived there");
  assert.ok(sum(({ downloadedBytes }) => downloadedBytes) <= catalog.sentBytes, "blobs that were taken from the catalog were sent there");
}

test("a service that is killed comes back, and a call that may be retried does not fail", async () => {
  await using system = await start("killed", { trainers: 0 });
  using channel = connect(system.address);
  const calls = {
    catalog: () => channel.client(CatalogService).listRefs({}),
    finetune: () => channel.client(FinetuneService).listJobs({}),
    recycling: () => channel.client(RecyclingService).listRuns({}),
    sessions: () => channel.client(AveragingService).listSessions({}),
    gateway: () => channel.client(CatalogService).listRefs({}),
    "nats-server": () => channel.client(FinetuneService).listJobs({}),
  };
  for (const [name, call] of Object.entries(calls)) {
    const program = system.programs.get(name)!;
    const before = program.pid;
    await call();
    program.kill();
    await call();
    // A call that does not need the program may come back before its end is noticed.
    await waitFor(() => program.pid !== undefined && program.pid !== before, { what: `${name} to be started again` });
    await program.ready();
    assert.equal(program.restarts, 1);
    await call();
  }
});

test("a program that is stopped stays down, its calls are UNAVAILABLE, and it can be started again", async () => {
  await using system = await start("stopped", { trainers: 1 });
  using channel = connect(system.address);
  const catalog = system.programs.get("catalog")!;
  await catalog.stop();
  assert.equal(catalog.pid, undefined);
  await assert.rejects(channel.client(CatalogService).moveRef({}), { code: 14 });
  const { processes } = await channel.client(SystemService).getSystem({});
  assert.match(processes.find(({ service }) => service === "catalog")?.problem ?? "", /not available|did not finish/);
  await catalog.start();
  await channel.client(CatalogService).listRefs({});

  const endless = await writeSmallest(directory.join("endless.yaml"), (run) => {
    run["fine-tuning"].steps = 1_000_000;
  });
  const recycle = ["recycle", endless, "--server", system.address, "--out", directory.join("endless")];
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
      const { stdout } = await runHere(["doctor", "--server", system.address, "--data", directory.join("nothing"), "--json"]);
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

test("npm run system says what runs, and stops all of it when it is interrupted", async () => {
  const [program, flags] = commandOn(runtimeName());
  const args = [...flags, "deploy/local/main.ts", "--data", directory.join("command"), "--trainers", "1", "--free-ports"];
  await using system = testProcess(program, args, { cwd: root });
  await system.line("Ctrl-C stops it", 60_000);
  const pids = system.lines.flatMap((line) => / ready\b.*process (\d+)$/.exec(line)?.[1] ?? []).map(Number);
  assert.equal(pids.length, 9);
  assert.ok(pids.every(isAlive));
  await system.kill("SIGINT");
  assert.equal(await system.ended, 0);
  assert.deepEqual(pids.filter(isAlive), []);
});

test("nothing outlives a system that is killed", async () => {
  const [program, flags] = commandOn(runtimeName());
  const args = [...flags, "deploy/local/main.ts", "--data", directory.join("orphans"), "--trainers", "1", "--free-ports"];
  await using system = testProcess(program, args, { cwd: root });
  await system.line("Ctrl-C stops it", 60_000);
  const pids = system.lines.flatMap((line) => / ready\b.*process (\d+)$/.exec(line)?.[1] ?? []).map(Number);
  await system.kill("SIGKILL");
  await waitFor(() => !pids.some(isAlive), { what: "the end of all programs" });
});

test("a trainer that knows the gateway alone joins a system that runs, and leaves it when it is asked to", async () => {
  await using system = await start("joined", { trainers: 0 });
  await using trainer = startCli(["trainer", "--server", system.address, "--name", "remy"]);
  await trainer.line("trainer ready");
  const out = directory.join("joined-out");
  await succeed(["recycle", tiny, "--server", system.address, "--out", out, "--quiet"]);
  await assertTinyReport(out);
  trainer.signal("SIGTERM");
  assert.equal((await trainer.ended).code, 0);
});
