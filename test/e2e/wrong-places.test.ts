import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chown, mkdir, readdir, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { implement, serve } from "#libs/rpc";
import { freePort, temporaryDirectory } from "#libs/testing";
import { SystemService } from "#proto/ratatouille/v1/system_pb.ts";
import { mountSmallDisk, whyNoSmallDisk } from "../small-disk.ts";
import { type CliResult, runCli, startCli, succeed } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { tiny, writeSmallest } from "./run-file.ts";

const execute = promisify(execFile);
const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

const isRoot = process.getuid?.() === 0;

/** The one sentence that a failed command has said at last. */
function sentence({ code, stdout, stderr }: CliResult, expectedCode = 1): string {
  assert.deepEqual([code, stdout], [expectedCode, ""], stderr);
  const last = stderr.trimEnd().split("\n").at(-1) ?? "";
  assert.match(last, /^ratatouille: /);
  return last.slice("ratatouille: ".length);
}

test("a data directory of another user is refused and stays as it was", {
  skip: !isRoot && "only root can give a directory away",
}, async () => {
  const data = directory.join("foreign");
  await mkdir(data);
  await chown(data, 1234, 1234);
  for (const args of [["recycle", tiny, "--out", directory.join("never")], ["models", "list"], ["up"]])
    assert.equal(
      sentence(await runHere([...args, "--data", data])),
      `cannot use the data directory ${data}: it belongs to the user 1234, this process runs as 0`,
    );
  assert.deepEqual([await readdir(data), existsSync(directory.join("never"))], [[], false]);
});

test("a data directory that is a file is refused", async () => {
  const data = directory.join("file");
  await writeFile(data, "");
  assert.equal(sentence(await runHere(["runs", "list", "--data", data])), `cannot use the data directory ${data}: it is not a directory`);
});

test("to look is not to create: commands that only read leave no data directory", async () => {
  const cwd = directory.join("nothing");
  await mkdir(cwd);
  const looks = [["runs", "list"], ["jobs", "list"], ["models", "list"], ["doctor"], ["gc"], ["gc", "--dry-run"]];
  await succeed(looks[0]!, { cwd });
  for (const args of looks) await succeedHere(args, { cwd });
  const unknown: readonly (readonly [args: string[], said: string])[] = [
    [["models", "show", "nobody/has-this"], 'there is no model "nobody/has-this"; ratatouille models list shows what there is'],
    [["reproduce", "nobody/has-this"], 'there is no model "nobody/has-this"; ratatouille models list shows what there is'],
    [["runs", "cancel", "run-0000000000000000"], 'there is no run "run-0000000000000000"; ratatouille runs list shows what there is'],
  ];
  const ends = await Promise.all(unknown.map(([args]) => runHere(args, { cwd })));
  for (const [i, [, said]] of unknown.entries()) assert.equal(sentence(ends[i]!), said);
  assert.deepEqual(await readdir(cwd), []);
});

test("a full disk is named; with room again the same command goes on", {
  skip: await whyNoSmallDisk(directory.join("probe")),
}, async () => {
  const data = directory.join("disk");
  const file = await writeSmallest(directory.join("full.yaml"));
  const out = directory.join("full-out");
  const args = ["recycle", file, "--data", data, "--out", out, "--trainers", "1"];
  // Too little to start, then too little to finish.
  await using disk = await mountSmallDisk(data, "1m");
  for (const size of ["1m", "2m"]) {
    await disk.resize(size);
    assert.match(sentence(await runCli(args)), new RegExp(`no space left to write ${data}/`));
    assert.equal(existsSync(out), false);
  }
  await disk.resize("64m");
  await succeed(args);
  assert.ok((await readdir(out)).includes("report.json"));
});

test("a port in use is named", async () => {
  const program = createServer().listen(0, "127.0.0.1");
  await once(program, "listening");
  const { port } = program.address() as AddressInfo;
  const args = ["up", "--listen", `127.0.0.1:${port}`, "--data", directory.join("port")];
  assert.equal(sentence(await runCli(args)), `127.0.0.1:${port} is in use by another program`);
  program.close();
});

test("an address that other machines reach needs TLS and a token", async () => {
  const data = directory.join("open");
  const args = ["up", "--listen", `0.0.0.0:${await freePort()}`, "--data", data];
  assert.match(sentence(await runHere(args), 2), /can be reached from other machines, so it needs TLS and a token/);
  assert.equal(existsSync(data), false);
});

test("TLS and a token open a server to other machines", async () => {
  const [cert, key] = [directory.join("cert.pem"), directory.join("key.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  await execute("openssl", ["req", "-x509", ...curve, "-nodes", "-days", "2", "-keyout", key, "-out", cert, ...subject]);
  const port = await freePort();
  const data = directory.join("open-data");
  const tls = ["--tls-cert", cert, "--tls-key", key, "--token", "s3cret"];
  await using server = startCli(["up", "--listen", `0.0.0.0:${port}`, "--data", data, "--trainers", "1", ...tls]);
  await server.line("listens on");
  const list = ["runs", "list", "--server", `localhost:${port}`, "--token", "s3cret"];
  assert.match(await succeedHere([...list, "--ca", cert]), /^No runs yet/);
  // On this machine the data directory leads there, past TLS.
  assert.match(await succeedHere(["runs", "list", "--data", data, "--token", "s3cret"]), /^No runs yet/);
  assert.match(sentence(await runHere(list)), new RegExp(`no connection to localhost:${port}`));
});

test("a second terminal may look at what recycle works on; whoever would change it is told who has it, and how several can", async () => {
  const data = directory.join("busy");
  const file = await writeSmallest(directory.join("busy.yaml"), (run) => {
    run["fine-tuning"].steps = 1_000_000;
  });
  await using first = startCli(["recycle", file, "--data", data, "--trainers", "1"]);
  await first.line("pre-training");
  const looks = [
    [["runs", "list"], /^run-[0-9a-f]{16} +smallest +running/m],
    [["jobs", "list", "--state", "queued,running,succeeded"], /^job-/m],
    [["models", "list", "--all"], /./],
    [["events"], /run run-[0-9a-f]{16} of smallest started/],
  ] as const;
  const seen = await Promise.all(looks.map(([args]) => succeedHere([...args, "--data", data])));
  for (const [i, [, expected]] of looks.entries()) assert.match(seen[i]!, expected);
  const [id = ""] = /run-[0-9a-f]{16}/.exec(seen[0]!) ?? [];
  assert.match(await succeedHere(["runs", "show", id, "--data", data]), /^took +[\d.]+ m?s$/m);
  const refused = await Promise.all([["recycle", tiny], ["gc"], ["up"]].map((args) => runHere([...args, "--data", data])));
  for (const [i, result] of refused.entries()) {
    const said = sentence(result);
    assert.ok(said.includes(data) && said.includes(String(first.pid)) && said.includes("recycle"), said);
    if (i < 2) assert.match(said, /ratatouille up$/);
  }
});

test("a server of another version is refused with both versions", async () => {
  const system = implement(SystemService, {
    getSystem: () => ({ version: "9.9.9", services: ["catalog"], runtime: "test", trainers: [] }),
  });
  await using server = await serve({ address: "127.0.0.1:0", services: [system] });
  const said = sentence(await runHere(["models", "list", "--server", server.address]), 2);
  assert.match(said, new RegExp(`^the server ${server.address} has version 9\\.9\\.9, this is \\d+\\.\\d+\\.\\d+: use the same`));
});

test("a server of something else is told from a ratatouille", async () => {
  await using server = await serve({ address: "127.0.0.1:0", services: [] });
  const said = sentence(await runHere(["models", "list", "--server", server.address]), 2);
  assert.equal(said, `${server.address} answers, but it is not a ratatouille server`);
});

for (const { what, listen } of [
  { what: "where nothing listens", listen: false },
  { what: "that takes connections and says nothing", listen: true },
]) {
  test(`a server ${what} is named soon, and the attempt leaves nothing`, async () => {
    const program = createServer().listen(0, "127.0.0.1");
    await once(program, "listening");
    const address = `127.0.0.1:${(program.address() as AddressInfo).port}`;
    if (!listen) await new Promise((resolve) => program.close(resolve));
    const data = directory.join(`unused-${listen}`);
    const began = performance.now();
    const said = sentence(await runHere(["recycle", tiny, "--server", address, "--data", data, "--quiet"]));
    // The program gives up after the 3 s that it names; the rest is what a busy machine takes to start it.
    assert.ok(performance.now() - began < 30_000, `${performance.now() - began} ms`);
    assert.match(said, new RegExp(`^no connection to ${address} within 3000 ms`));
    assert.equal(existsSync(data), false);
    if (listen) program.close();
  });
}

test("what is not in the catalog is named", async () => {
  const data = directory.join("empty");
  const digest = `sha256:${"0".repeat(64)}`;
  const unknown = [
    [["models", "show", digest], `no artifact ${digest}`],
    [["lineage", digest], `no artifact ${digest}`],
    [["reproduce", digest], `no artifact ${digest}`],
    [
      ["models", "pull", "no/such", "--out", directory.join("never-pulled")],
      'there is no model "no/such"; ratatouille models list shows what there is',
    ],
    [["runs", "show", "run-0123456789abcdef"], 'there is no run "run-0123456789abcdef"; ratatouille runs list shows what there is'],
  ] as const;
  for (const [args, said] of unknown) assert.equal(sentence(await runHere([...args, "--data", data])), said);
  assert.match(
    sentence(await runHere(["models", "show", "sha256:00", "--data", data]), 2),
    /at least the first 8 of them; got "sha256:00"/,
  );
  assert.equal(existsSync(directory.join("never-pulled")), false);
});
