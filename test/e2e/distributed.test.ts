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
import { type LocalSystem, startLocalSystem } from "../../deploy/local/system.ts";
import { peakMemoryMb } from "../bench/process-facts.ts";
import { root, startCli, succeed } from "./cli.ts";
import { succeedHere } from "./here.ts";
import { assertTinyReport, readReport } from "./outputs.ts";
import { isAlive } from "./processes.ts";
import { tiny } from "./run-file.ts";
import { commandOn } from "./runtimes.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

const runtimes: Readonly<Record<string, RuntimeName>> = {
  catalog: "node",
  finetune: "deno",
  averaging: "bun",
  sessions: "node",
  evaluation: "node",
  recycling: "bun",
  gateway: "deno",
  web: "node",
  oci: "deno",
  "trainer-1": "deno",
  remy: "node",
};

test("services in processes of their own, on Bun, Node and Deno, with a trainer that knows the gateway alone, make the same models", async () => {
  const system = await startLocalSystem({ directory: directory.join("mixed"), trainers: 1, runtimeOf: (program) => runtimes[program] });
  await using stack = new AsyncDisposableStack();
  stack.use(system);
  const remy = stack.use(startCli(["trainer", "--server", system.address, "--name", "remy"], { runtime: "node" }));
  await remy.line("trainer ready");
  const out = directory.join("mixed-out");
  await succeed(["recycle", tiny, "--server", system.address, "--out", out, "--quiet"]);
  await assertTinyReport(out);
  const programs = [...system.programs.values()];
  assert.deepEqual(
    programs.filter(({ restarts }) => restarts !== 0).map(({ name }) => name),
    [],
  );
  const pids = Object.fromEntries([...programs, { name: "remy", pid: remy.pid }].map(({ name, pid }) => [name, pid ?? 0]));
  await assertUsage(out, pids);
  await assertSystem(system);
  await assertHttp(system);
  await assertRegistry(system);
  remy.signal("SIGTERM");
  assert.equal((await remy.ended).code, 0);
  await stack.disposeAsync();
  assert.deepEqual(Object.values(pids).filter(isAlive), []);
});

/** That the gateway and doctor say who is what. */
async function assertSystem(system: LocalSystem): Promise<void> {
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
}

/** That the run is there over HTTP, too. */
async function assertHttp({ webUrl }: LocalSystem): Promise<void> {
  assert.equal(await (await fetch(`${webUrl}/healthz`)).text(), "ok\n");
  const asked = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
  const { runs } = (await (await fetch(`${webUrl}/${RecyclingService.typeName}/ListRuns`, asked)).json()) as { runs: unknown[] };
  assert.equal(runs.length, 1);
}

/** That what the run has named is pulled from the registry. */
async function assertRegistry({ registry }: LocalSystem): Promise<void> {
  const { repositories } = (await (await fetch(`http://${registry}/v2/_catalog`)).json()) as { repositories: string[] };
  const name = repositories.find((one) => one.startsWith("tiny/"));
  const { tags } = (await (await fetch(`http://${registry}/v2/${name}/tags/list`)).json()) as { tags: string[] };
  const manifest = await fetch(`http://${registry}/v2/${name}/manifests/${tags[0]}`);
  const { layers } = (await manifest.json()) as { layers: { digest: string; size: number }[] };
  const blob = await fetch(`http://${registry}/v2/${name}/blobs/${layers[0]?.digest}`);
  assert.equal((await blob.arrayBuffer()).byteLength, layers[0]?.size);
}

/** That a report says what each process used: memory as the kernel says, and bytes of which none comes from nowhere. */
async function assertUsage(out: string, pids: Readonly<Record<string, number>>): Promise<void> {
  const { processes = [] } = (await readReport(out)).timings;
  // A run needs nothing of HTTP.
  const names = Object.keys(pids).filter((name) => !["nats-server", "oci", "web"].includes(name));
  assert.deepEqual(processes.map(({ name }) => name).sort(), names.sort());
  for (const { name, peakMemoryBytes } of processes) {
    const peak = await peakMemoryMb(pids[name]);
    // It may have grown since; and the kernel counts pages in batches for each core, which its two figures add up at other times.
    const fits = peak === undefined || (peakMemoryBytes > 20e6 && peakMemoryBytes <= peak * 1.02e6);
    assert.ok(fits, `${name}: ${peakMemoryBytes} of ${peak} MB`);
  }
  const sum = (of: (process: (typeof processes)[number]) => number) => processes.reduce((total, process) => total + of(process), 0);
  const catalog = processes.find(({ name }) => name === "catalog")!;
  const trainers = processes.filter(({ name }) => ["trainer-1", "remy"].includes(name));
  assert.equal(trainers.length, 2);
  for (const { name, downloadedBytes, uploadedBytes } of trainers) assert.ok(downloadedBytes > 100_000 && uploadedBytes > 100_000, name);
  assert.ok(sum(({ uploadedBytes }) => uploadedBytes) <= catalog.receivedBytes, "blobs that were brought to the catalog arrived there");
  assert.ok(sum(({ downloadedBytes }) => downloadedBytes) <= catalog.sentBytes, "blobs that were taken from the catalog were sent there");
}

test("npm run system says what runs, starts again what is killed, without a failed call, and stops all of it when it is interrupted", async () => {
  const [program, flags] = commandOn(runtimeName());
  const args = [...flags, "deploy/local/main.ts", "--data", directory.join("command"), "--trainers", "1", "--free-ports"];
  await using system = testProcess(program, args, { cwd: root });
  const [, address = ""] = / listens on ([^;]+);/.exec(await system.line("Ctrl-C stops it", 60_000)) ?? [];
  /** Processes that have said that they are ready, of one program or of all. */
  const pidsOf = (name = String.raw`\S+`) =>
    system.lines.flatMap((line) => new RegExp(`^${name} +ready\\b.*process (\\d+)$`).exec(line)?.[1] ?? []).map(Number);
  assert.equal(pidsOf().length, 11);
  assert.ok(pidsOf().every(isAlive));

  using channel = connect(address);
  const calls = {
    catalog: () => channel.client(CatalogService).listRefs({}),
    finetune: () => channel.client(FinetuneService).listJobs({}),
    recycling: () => channel.client(RecyclingService).listRuns({}),
    sessions: () => channel.client(AveragingService).listSessions({}),
    gateway: () => channel.client(CatalogService).listRefs({}),
    "nats-server": () => channel.client(FinetuneService).listJobs({}),
  };
  for (const [name, call] of Object.entries(calls)) {
    await call();
    process.kill(pidsOf(name)[0] ?? 0, "SIGKILL");
    await call();
    await waitFor(() => pidsOf(name).length === 2, { what: `${name} to be started again` });
    assert.equal(system.lines.filter((line) => line.startsWith(`${name} `) && line.includes("ended by itself")).length, 1);
    await call();
  }
  assert.equal(pidsOf().length, 11 + Object.keys(calls).length);

  await system.kill("SIGINT");
  assert.equal(await system.ended, 0);
  assert.deepEqual(pidsOf().filter(isAlive), []);
});
