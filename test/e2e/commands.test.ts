import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { runtimeName } from "#libs/service";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { type Shell, shells } from "../../services/cli/commands/completion/values.ts";
import { root, runCli, startCli, succeed } from "./cli.ts";
import { runHere, succeedHere } from "./here.ts";
import { commandOn } from "./runtimes.ts";
import { hasShell, offered } from "./shells.ts";

const directory = await temporaryDirectory();
const script = (shell: Shell) => directory.join(`completion.${shell}`);
const programs = directory.join("bin");

before(async () => {
  await Promise.all(shells.map(async (shell) => writeFile(script(shell), await succeedHere(["completion", shell]))));
  await mkdir(programs);
  // Stands for the launcher, for the names that scripts ask for.
  const [program, flags] = commandOn(runtimeName());
  const command = [program, ...flags, join(root, "services/cli/main.ts")].map((word) => `'${word}'`).join(" ");
  await writeFile(join(programs, "ratatouille"), `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
});
after(() => directory[Symbol.asyncDispose]());

for (const shell of shells) {
  const skip = shell !== "bash" && !hasShell(shell) && `${shell} is not installed`;
  test(`${shell} completes commands, options, values and files`, { skip }, async () => {
    const cases: readonly (readonly [line: string, ...expected: string[]])[] = [
      ["re", "recycle", "refs", "reproduce", "retention"],
      ["models ", "list", "pull", "show"],
      ["jobs list --st", "--state"],
      ["jobs list --state queued,r", "running"],
      ["jobs list --state failed --js", "--json"],
      ["average --method dare", "dare_linear", "dare_ties"],
      ["average --method=ti", "ties"],
      ["methods slerp", "slerp"],
      ["completion ", "bash", "fish", "zsh"],
      ["setup tensorflow-", "tensorflow-gpu"],
      ["trainer --device ", "auto", "cpu", "gpu"],
      ["recycle --data list --qu", "--quiet"],
      ["import --licence mit --ba", "--base"],
      ["lineage --do", "--dot"],
    ];
    const files: readonly (readonly [line: string, among: string])[] = [
      ["recycle examples/ti", "tiny.yaml"],
      ["average --weights 1,2 test/fixtures/safeten", "safetensors"],
      ["average test/fixtures/torch-files/zip-che", "zip-checkpoint.pth"],
      ["import test/fixtures/torch-files/legacy-che", "legacy-checkpoint.pth"],
      ["up --data li", "libs"],
    ];
    const unfitting = "recycle package";
    const lines = [...cases.map(([line]) => line), ...files.map(([line]) => line), unfitting];
    const answers = await offered(
      shell,
      script(shell),
      lines.map((line) => `ratatouille ${line}`),
    );
    assert.equal(answers.length, lines.length);
    for (const [i, [line, ...expected]] of cases.entries()) {
      // zsh says only what follows the last comma or "=".
      const words = answers[i]!.map((word) => word.replace(/^(.*,|--\w+=)/, ""));
      assert.deepEqual(words, expected, line);
    }
    const names = answers.slice(cases.length).map((words) => words.map((word) => word.replace(/\/$/, "").split("/").at(-1)));
    for (const [i, [line, among]] of files.entries()) assert.ok(names[i]!.includes(among), `${line}: ${names[i]}`);
    // Where nothing fits, zsh goes on to all files.
    if (shell !== "zsh") assert.ok(!names.at(-1)!.includes("package.json"));
  });

  test(`${shell} completes the names of runs and models of a data directory`, { skip }, async () => {
    const data = directory.join(`stored-${shell}`);
    await mkdir(data);
    const catalog = new DatabaseSync(join(data, "catalog.sqlite"));
    catalog.exec("create table ref (name text, digest text); insert into ref values ('a/one', 'd'), ('a/gone', null), ('$(touch x)', 'd')");
    catalog.close();
    const ratatouille = join(programs, "ratatouille");
    const lines = [`${ratatouille} models show --data ${data} a/`, `${ratatouille} runs show --data ${data} r`];
    // On a machine that is busy nothing is offered within the second that there is.
    const right = async () => isDeepStrictEqual(await offered(shell, script(shell), lines), [["a/one"], []]);
    await waitFor(right, { timeoutMs: 110_000, intervalMs: 500, what: "just that name to be offered" });
  });
}

test("names that completion asks for come within a second, or not at all and without a word", async () => {
  await using silent = createServer((socket) => socket.on("error", () => undefined).resume()).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const missing = directory.join("not-there");
  const ends = await Promise.all([
    runCli(["names", "runs", "--server", `127.0.0.1:${port}`]),
    runCli(["names", "jobs", "jobs", "show", "--data", missing]),
  ]);
  for (const end of ends) assert.deepEqual(end, { code: 0, stdout: "", stderr: "" });
  assert.ok(!existsSync(missing));
});

test("there is no completion for other shells", async () => {
  const { code, stderr } = await runHere(["completion", "tcsh"]);
  assert.deepEqual([code, stderr], [2, "ratatouille: there is completion for bash, zsh and fish, not for tcsh\n"]);
});

test("every command has help of at most 80 columns, with examples that begin with the command itself", async () => {
  const completion = await readFile(script("bash"), "utf8");
  const commands = [...completion.matchAll(/^ {4}"([a-z ]*)"\) commands=/gm)].map(([, path = ""]) => path);
  assert.ok(commands.length > 10);
  const helps = await Promise.all(commands.map((path) => succeedHere([...path.split(" ").filter(Boolean), "--help"])));
  for (const [i, path] of commands.entries()) {
    const help = helps[i] ?? "";
    assert.match(help, /^Usage: ratatouille/);
    for (const line of help.split("\n")) assert.ok(line.length <= 80, `ratatouille ${path} --help: ${line}`);
    const [, examples = ""] = help.split("\nExamples:\n");
    assert.ok(examples.includes(`ratatouille${path === "" ? "" : ` ${path}`}`), `ratatouille ${path} --help:\n${help}`);
  }
});

test("wrong usage exits with 2 and says on stderr what would be right", async () => {
  const cases: readonly (readonly [args: string[], said: RegExp])[] = [
    [["reycle"], /^ratatouille: unknown command 'reycle' \(Did you mean recycle\?\) \(--help shows how\)\n$/],
    [["recycle"], /missing required argument 'file'/],
    [["recycle", "examples/tiny.yaml", "--quite"], /unknown option '--quite' \(Did you mean --quiet\?\)/],
    [
      ["recycle", "examples/tiny.yaml", "--trainers", "none"],
      /'--trainers <number>' argument 'none' is invalid\. Expected a number from 1 to 256/,
    ],
    [["recycle", "a.yaml", "b.yaml"], /too many arguments/],
    [
      ["jobs", "list", "--state", "failed,done"],
      /argument 'failed,done' is invalid\. Expected queued, running, succeeded, failed, cancelled/,
    ],
    [["events", "--since", "yesterday"], /Expected a number and a unit, such as 90s, 10m, 2h or 1d/],
    [["runs", "list", "--server", "nowhere"], /"nowhere" is not an address; expected host:port/],
    [["lineage", "a/b", "--json", "--dot"], /--json and --dot exclude each other/],
    [["import"], /missing required argument 'paths'/],
    [["import", "a.pth", "b.pth", "--name", "x/y"], /--name x\/y names one thing, and 2 are given/],
    [["import", "a.pth", "--name", "x"], /--name "x": a name is words with slashes between them, such as vision\/resnet50/],
    [["up", "--tls-cert", "cert.pem"], /--tls-cert and --tls-key need each other/],
    [["up", "--origins", "https://lab.example"], /--origins says who may call --web, which is not given/],
    [
      ["up", "--web", "127.0.0.1:0", "--origins", "lab.example"],
      /--origins must be origins such as https:..lab.example, .*not "lab.example"/,
    ],
    [["up", "--listen", "127.0.0.1:70000"], /"127.0.0.1:70000" is not an address/],
  ];
  const data = directory.join("unused");
  // The first one as a person runs it.
  const env = { RATATOUILLE_DATA: data };
  const results = await Promise.all(cases.map(([args], i) => (i === 0 ? runCli : runHere)(args, { env })));
  for (const [i, [args, said]] of cases.entries()) {
    const { code, stdout, stderr } = results[i] ?? {};
    assert.deepEqual([code, stdout], [2, ""], `${args.join(" ")}: ${stderr}`);
    assert.match(stderr ?? "", said);
  }
});

test("a reader that goes away ends a command with 141 and without a word", async () => {
  const data = directory.join("piped");
  const cases = [["--help"], ["methods"], ["runs", "list", "--data", data], ["doctor", "--data", data]];
  const ends = await Promise.all(
    cases.map(async (args) => {
      await using cli = startCli(args);
      cli.child.stdout?.destroy();
      const { code, stderr } = await cli.ended;
      return [code, stderr];
    }),
  );
  assert.deepEqual(
    ends,
    cases.map(() => [141, ""]),
  );
});

test("--version and help that was asked for are no mistakes", async () => {
  assert.match(await succeed(["--version"]), /^\d+\.\d+\.\d+\n$/);
  assert.match(await succeed(["help", "recycle"]), /^Usage: ratatouille recycle/);
});

test("doctor says in words and in JSON what is right, and creates nothing", async () => {
  const data = directory.join("new");
  const text = await succeedHere(["doctor", "--data", data]);
  assert.match(text, new RegExp(`^ok {2}runtime +${runtimeName()} \\d`, "m"));
  assert.match(text, /^ok {2}engine wasm +tfjs-wasm-simd\/4/m);
  assert.match(text, /^ok {2}disk +\d+ GB free$/m);
  assert.match(text, /^ok {2}data +.*new does not exist yet/m);
  const { findings } = JSON.parse(await succeedHere(["doctor", "--data", data, "--json"])) as {
    findings: { topic: string; right: boolean }[];
  };
  for (const topic of ["runtime", "engine wasm", "engine cpu", "devices", "memory", "data", "disk", "port"])
    assert.equal(findings.find((finding) => finding.topic === topic)?.right, true, topic);
  const missing = await runHere(["doctor", "--data", data, "--server", "127.0.0.1:1"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /^NO {2}server +.*127\.0\.0\.1:1.*\n +start one with: ratatouille up$/m);
});

test("a new data directory has no runs and no models", async () => {
  const data = directory.join("empty");
  assert.match(await succeedHere(["runs", "list", "--data", data]), /^No runs yet/);
  assert.equal(await succeedHere(["models", "list", "--data", data]), "No models yet.\n");
  assert.equal(await succeedHere(["models", "list", "--data", data, "--json"]), "[]\n");
});
