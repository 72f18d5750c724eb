import assert from "node:assert/strict";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "#libs/rpc";
import { runtimeName } from "#libs/service";
import { freePort, temporaryDirectory } from "#libs/testing";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type Cli, startCli, succeed } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { digestsOf, readReport } from "./outputs.ts";
import { isAlive, trainersOf } from "./processes.ts";
import { writeSmallest } from "./run-file.ts";

const directory = await temporaryDirectory();
const data = directory.join("data");
const address = `127.0.0.1:${await freePort()}`;
const name = "smallest/seed-1/held-out-60";
let server: Cli;

type Listed = {
  readonly digest: string;
  readonly kind: string;
  readonly refs: readonly string[];
  readonly publishedAtMs: number;
  readonly accuracy: { readonly validation?: number; readonly heldOut?: number };
};

/** A run that takes longer than any test waits. */
function writeEndless(file: string): Promise<string> {
  return writeSmallest(directory.join(file), (run) => {
    run.name = "endless";
    run["fine-tuning"].steps = 1_000_000;
  });
}

async function startServer(trainers: number): Promise<Cli> {
  const cli = startCli(["up", "--listen", address, "--web", "127.0.0.1:0", "--data", data, "--trainers", `${trainers}`]);
  const says = new RegExp(
    `^ratatouille \\d+\\.\\d+\\.\\d+ listens on ${address}, and for HTTP on (http://127\\.0\\.0\\.1:\\d+); data in ${data}\\.`,
  );
  const [, webUrl = ""] = says.exec(await cli.line("listens on")) ?? [];
  assert.equal((await fetch(`${webUrl}/healthz`)).status, 200);
  return cli;
}

before(async () => {
  server = await startServer(2);
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

test("several clients share a system: the same run is done once, another one beside it", async () => {
  const first = await writeSmallest(directory.join("first.yaml"));
  const second = await writeSmallest(directory.join("second.yaml"), (run) => {
    run.name = "second";
    run.seeds = [2];
  });
  const outs = ["a", "b", "c"].map((out) => directory.join(out));
  const recycle = (file: string, i: number) => ["recycle", file, "--out", outs[i] ?? "", "--quiet"];
  await Promise.all([
    succeed([...recycle(first, 0), "--server", address]),
    succeed(recycle(first, 1), { env: { RATATOUILLE_SERVER: address } }),
    // Where `up` runs, the data directory leads to it.
    succeedHere([...recycle(second, 2), "--data", data]),
  ]);
  const [a, b, c] = await Promise.all(outs.map(readReport));
  assert.ok(a && b && c);
  assert.deepEqual(digestsOf(a), digestsOf(b));
  assert.equal(Object.values(digestsOf(a)).filter((value) => Object.values(digestsOf(c)).includes(value)).length, 0);
  const runs = JSON.parse(await succeedHere(["runs", "list", "--json", "--server", address])) as { id: string; spec: { name: string } }[];
  assert.deepEqual(runs.map(({ spec }) => spec.name).sort(), ["second", "smallest"]);
});

test("runs: what a client starts can be seen, is left alone by its Ctrl-C, and cancelled from elsewhere", async () => {
  const file = await writeEndless("endless.yaml");
  await using client = startCli(["recycle", file, "--server", address]);
  const id = /endless \((run-[0-9a-f]+)\)/.exec(await client.line("endless ("))?.[1] ?? "";
  await client.line(/^fine-tuning: 2 jobs/);
  client.signalGroup("SIGINT");
  const left = await client.ended;
  assert.equal(left.code, 130);
  assert.ok(left.stderr.includes(`The run goes on at ${address}`) && left.stderr.includes(`ratatouille runs watch ${id}`), left.stderr);

  await using watcher = startCli(["runs", "watch", id, "--data", data]);
  await watcher.line(/^fine-tuning: 2 jobs/);
  assert.match(await succeedHere(["runs", "list", "--data", data]), new RegExp(`^${id} +endless +running`, "m"));
  const shown = await succeedHere(["runs", "show", id, "--data", data]);
  assert.match(shown, /^held out +60°$/m);
  assert.match(shown, /^fine-tuning +2 +0 +[12] /m);
  assert.match(await succeedHere(["runs", "cancel", id, "--data", data]), /^Cancelled run-/);
  const watched = await watcher.ended;
  assert.deepEqual([watched.code, watched.stderr.split("\n").at(-2)], [1, "ratatouille: the run was cancelled"]);
  assert.match(await succeedHere(["runs", "show", id, "--data", data]), /^state +cancelled$/m);
  const again = await runHere(["runs", "cancel", "run-0000000000000000", "--data", data]);
  assert.deepEqual(
    [again.code, again.stderr],
    [1, 'ratatouille: there is no run "run-0000000000000000"; ratatouille runs list shows what there is\n'],
  );
});

test("models: listed by name, shown with their recipe, pulled as files", async () => {
  const list = await succeedHere(["models", "list", "--server", address]);
  const [row, validation] =
    /^[0-9a-f]{12} +average +[\d.]+ kB +(?:just now|\d+ min ago) +([\d.]+) % +smallest\/seed-1\/held-out-60$/m.exec(list) ?? [];
  assert.ok(row && row.length <= 80, list);
  const cell = (await readReport(directory.join("a"))).cells[0];
  const recycled = cell?.averages.find(({ method }) => method === "recycling");
  const measured = { validation: recycled?.validationAccuracy, heldOut: recycled?.accuracy };
  assert.equal(validation, (100 * (measured.validation ?? Number.NaN)).toFixed(1));
  const listed: Listed[] = JSON.parse(await succeedHere(["models", "list", "--all", "--json", "--server", address]));
  const named = listed.find(({ refs }) => refs.includes(name));
  assert.deepEqual(named?.accuracy, measured);
  assert.ok(named && Math.abs(Date.now() - named.publishedAtMs) < 10 * 60_000, `published at ${named?.publishedAtMs}`);
  for (const { model, accuracy, validationAccuracy } of cell?.members ?? [])
    assert.deepEqual(listed.find(({ digest }) => digest === model)?.accuracy, { validation: validationAccuracy, heldOut: accuracy });
  assert.deepEqual(listed.find(({ kind }) => kind === "pretrain")?.accuracy, {});
  const shown = JSON.parse(await succeedHere(["models", "show", name, "--server", address, "--json"]));
  assert.equal(shown.recipe.kind, "average");
  assert.deepEqual([shown.publishedAtMs, shown.accuracy], [named.publishedAtMs, measured]);
  assert.deepEqual(shown.licences, ["CC-BY-4.0"]);
  const byDigits = JSON.parse(await succeedHere(["models", "show", shown.digest.slice(7, 15), "--server", address, "--json"]));
  assert.equal(byDigits.digest, shown.digest);
  const near = await Promise.all(
    ["smal", "smallest/seed-1/held-out-6"].map((given) => runHere(["models", "show", given, "--server", address])),
  );
  for (const [i, given] of ["smal", "smallest/seed-1/held-out-6"].entries())
    assert.match(near[i]!.stderr, new RegExp(`^ratatouille: there is no model "${given}"; did you mean ${name}\\b.*\\?\\n$`));
  const run = await runHere(["runs", "show", "smalest", "--server", address]);
  assert.match(run.stderr, /^ratatouille: there is no run "smalest"; did you mean run-[0-9a-f]{16} \(smallest\)\?\n$/);
  const folder = directory.join("pulled");
  assert.equal(await succeedHere(["models", "pull", name, "--out", folder, "--server", address]), `${join(folder, "model.safetensors")}\n`);
  const written = directory.join("a", "models", "seed-1", "held-out-60");
  for (const file of ["model.safetensors", "recipe.json"])
    assert.deepEqual(await readFile(join(folder, file)), await readFile(join(written, file)));

  const pull = ["models", "pull", name, "--out", folder, "--server", address];
  const times = async () => (await stat(join(folder, "model.safetensors"), { bigint: true })).mtimeNs;
  const before = await times();
  await succeedHere(pull);
  assert.equal(await times(), before, "what is there is not fetched again");
  await rm(join(folder, "recipe.json"));
  await succeedHere(pull);
  assert.deepEqual(await readFile(join(folder, "recipe.json")), await readFile(join(written, "recipe.json")));
  const other = listed.find(({ kind }) => kind === "pretrain")?.digest ?? "";
  const another = ["models", "pull", other, "--out", folder, "--server", address];
  const refused = await runHere(another);
  assert.deepEqual(refused, {
    code: 1,
    stdout: "",
    stderr: `ratatouille: ${folder} has model.safetensors, recipe.json already; --force overwrites\n`,
  });
  assert.deepEqual(await readFile(join(folder, "model.safetensors")), await readFile(join(written, "model.safetensors")));
  await succeedHere([...another, "--force"]);
  assert.equal(JSON.parse(await readFile(join(folder, "recipe.json"), "utf8")).kind, "pretrain");
  // Said before anything is asked of a server.
  const file = join(folder, "recipe.json");
  const nowhere = await runHere(["models", "pull", name, "--out", file, "--server", "127.0.0.1:1"]);
  assert.deepEqual(
    [nowhere.code, nowhere.stderr],
    [2, `ratatouille: cannot write to ${file}: it is not a directory; name another place with --out\n`],
  );
});

test("lineage: a tree down to the imported files, as JSON, for Graphviz", async () => {
  const tree = await succeedHere(["lineage", name, "--server", address]);
  assert.match(tree, new RegExp(`^average \\(uniform\\) [0-9a-f]{12} = ${name}\n`));
  assert.match(tree, /^├─ models 1: fine-tune \(10 steps, learning rate \S+\) [0-9a-f]{12}$/m);
  assert.match(tree, /─ featurizer: pretrain \(10 steps, learning rate \S+\) [0-9a-f]{12}$/m);
  assert.match(tree, /─ source: import [0-9a-f]{12}$/m);
  const nodes = JSON.parse(await succeedHere(["lineage", name, "--server", address, "--json"])) as {
    digest: string;
    kind: string;
    inputs: string[];
  }[];
  const known = new Set(nodes.map(({ digest }) => digest));
  assert.ok(nodes.every(({ inputs }) => inputs.every((input) => known.has(input))));
  assert.equal(nodes.filter(({ kind }) => kind === "import").length, 1);
  assert.ok(nodes.every(({ kind, inputs }) => inputs.length > 0 || kind === "import" || kind === "dataset"));
  const dot = await succeedHere(["lineage", name, "--server", address, "--dot"]);
  assert.match(dot, /^digraph lineage \{\n/);
  const edges = nodes.flatMap(({ digest, inputs }) =>
    [...new Set(inputs)].map((input) => `  "${input.slice(7, 19)}" -> "${digest.slice(7, 19)}";`),
  );
  assert.deepEqual(
    dot
      .split("\n")
      .filter((line) => line.includes(" -> "))
      .sort(),
    edges.sort(),
  );
});

test("reproduce: a data set, a fine-tuning, an average and an evaluation come out the same; an import cannot be reproduced", async () => {
  using channel = connect(address);
  const catalog = channel.client(CatalogService);
  const newest = async (kind: ArtifactKind) => (await catalog.listArtifacts({ kind, pageSize: 1 })).artifacts[0]?.digest ?? "";
  const report = await readReport(directory.join("a"));
  const lineage = JSON.parse(await succeedHere(["lineage", name, "--server", address, "--json"])) as { digest: string; kind: string }[];
  const digests = [
    report.cells[0]?.members[0]?.model ?? "",
    await newest(ArtifactKind.EVALUATION),
    lineage.find(({ kind }) => kind === "dataset")?.digest ?? "",
  ];
  const average = JSON.parse(await succeedHere(["models", "show", name, "--server", address, "--json"])).digest;
  const same = (digest: string) => `Same: ${digest}\n`;
  for (const digest of digests) assert.equal(await succeedHere(["reproduce", digest, "--server", address]), same(digest));
  assert.equal(await succeedHere(["reproduce", name, "--server", address]), same(average));
  const source = lineage.find(({ kind }) => kind === "import")?.digest ?? "";
  const refused = await runHere(["reproduce", source, "--server", address]);
  assert.deepEqual([refused.code, refused.stderr], [1, "ratatouille: imported files have no recipe that can be run again\n"]);
});

test("doctor knows a running system", async () => {
  const { right, findings } = JSON.parse(await succeedHere(["doctor", "--json", "--server", address, "--data", data]));
  assert.equal(right, true);
  const facts: { readonly [topic: string]: string } = Object.fromEntries(
    findings.map(({ topic, fact }: { topic: string; fact: string }) => [topic, fact]),
  );
  assert.match(
    facts["server"] ?? "",
    new RegExp(`^${address}: .* on ${runtimeName()} .*catalog, finetune, averaging, sessions, evaluation, recycling$`),
  );
  assert.equal(facts["trainers"], "2 of the server: trainer-1 and trainer-2");
  assert.match(facts["jobs"] ?? "", /^0 jobs running, 0 waiting$/);
  assert.match(facts["space"] ?? "", /^packages \S+ [MG]B, nats-server \S+ \w+, data [1-9]\S* [kM]B: \S+ [MG]B in all$/);
  assert.ok(facts["data"]?.includes(address), facts["data"]);
});

test("a second server on the data directory is refused and told who has it", async () => {
  const other = `127.0.0.1:${await freePort()}`;
  const { code, stderr } = await runHere(["up", "--listen", other, "--data", data]);
  assert.equal(code, 1);
  assert.ok(stderr.includes(data) && stderr.includes(String(server.pid)) && stderr.trim().split("\n").length === 1, stderr);
});

test("a server that is killed goes on with its runs at its next start; its clients say that it is gone, wait, and go on with it", async () => {
  const file = await writeSmallest(directory.join("survivor.yaml"), (run) => {
    run.name = "survivor";
    run.seeds = [3, 4];
  });
  const out = directory.join("survivor-out");
  await using client = startCli(["recycle", file, "--server", address, "--out", out]);
  const id = /survivor \((run-[0-9a-f]+)\)/.exec(await client.line("survivor ("))?.[1] ?? "";
  await client.line(/^data: \d/);
  server.signal("SIGKILL");
  await client.line(`${address} does not answer; waiting for it`, 10_000);
  server = await startServer(1);
  await client.line(`${address} answers again`);
  const { code, stderr } = await client.ended;
  assert.equal(code, 0, stderr);
  assert.equal((await readReport(out)).name, "survivor");
  assert.match(await succeedHere(["runs", "show", id, "--server", address]), /^state +succeeded$/m);
});

test("Ctrl-C stops a server: exit code 0, its trainers gone, its directory free", async () => {
  const trainers = trainersOf(server.pid);
  assert.equal(trainers.length, 1);
  server.signalGroup("SIGINT");
  const { code, stderr } = await server.ended;
  assert.deepEqual([code, stderr, trainers.filter(isAlive)], [0, "", []]);
  assert.match(await succeedHere(["runs", "list", "--data", data]), /survivor +succeeded/);
});
