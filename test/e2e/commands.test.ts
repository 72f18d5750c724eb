import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { runtimeName } from "#libs/service";
import { temporaryDirectory } from "#libs/testing";
import { root, runCli, startCli, succeed } from "./cli.ts";

const execute = promisify(execFile);
const directory = await temporaryDirectory();
const script = directory.join("completion.bash");
let completion: string;

before(async () => {
  completion = await succeed(["completion", "bash"]);
  await writeFile(script, completion);
});
after(() => directory[Symbol.asyncDispose]());

/** What bash offers for the last of these words. */
async function complete(...words: readonly string[]): Promise<string[]> {
  const ask = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ratatouille; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execute("bash", ["--norc", "-O", "extglob", "-c", ask, script, "ratatouille", ...words], { cwd: root });
  return stdout.split("\n").filter((word) => word !== "");
}

test("completion for bash is valid and offers commands, options and run files", async () => {
  await execute("bash", ["-n", script]);
  assert.deepEqual(await complete("re"), ["recycle", "reproduce"]);
  assert.deepEqual(await complete("models", ""), ["list", "show", "pull", "--help"]);
  assert.deepEqual(await complete("runs", "c"), ["cancel"]);
  assert.deepEqual(await complete("jobs", ""), ["list", "show", "retry", "cancel", "--help"]);
  assert.deepEqual(await complete("jobs", "list", "--st"), ["--state"]);
  assert.deepEqual(await complete("models", "list", "--a"), ["--all"]);
  assert.deepEqual(await complete("recycle", "--qu"), ["--quiet"]);
  assert.ok((await complete("recycle", "examples/ti")).includes("examples/tiny.yaml"));
  assert.ok(!(await complete("recycle", "package")).includes("package.json"));
  assert.deepEqual(await complete("average", "--weights", "1,2", "test/fixtures/safeten"), ["test/fixtures/safetensors"]);
  assert.deepEqual(await complete("lineage", "--d"), ["--data", "--dot"]);
});

test("completion for zsh and fish names every command too", async () => {
  for (const shell of ["zsh", "fish"]) {
    const text = await succeed(["completion", shell]);
    for (const word of ["recycle", "reproduce", "doctor"]) assert.ok(text.includes(word), `${shell}: ${word}`);
  }
  const { code, stderr } = await runCli(["completion", "tcsh"]);
  assert.deepEqual([code, stderr], [2, "ratatouille: there is completion for bash, zsh and fish, not for tcsh\n"]);
});

test("every command has help with examples, which begin with the command itself", async () => {
  const commands = [...completion.matchAll(/^ {4}"([a-z ]*)"\) words=/gm)].map(([, path = ""]) => path);
  assert.ok(commands.length > 10);
  const helps = await Promise.all(commands.map((path) => succeed([...path.split(" ").filter(Boolean), "--help"])));
  for (const [i, path] of commands.entries()) {
    const help = helps[i] ?? "";
    assert.match(help, /^Usage: ratatouille/);
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
    [["up", "--tls-cert", "cert.pem"], /--tls-cert and --tls-key need each other/],
    [["up", "--listen", "127.0.0.1:70000"], /"127.0.0.1:70000" is not an address/],
  ];
  const data = directory.join("unused");
  const results = await Promise.all(cases.map(([args]) => runCli(args, { env: { RATATOUILLE_DATA: data } })));
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
  const text = await succeed(["doctor", "--data", data]);
  assert.match(text, new RegExp(`^ok {2}runtime +${runtimeName()} \\d`, "m"));
  assert.match(text, /^ok {2}backend wasm +tfjs-wasm-simd\/4/m);
  assert.match(text, /^ok {2}disk +\d+ GB free$/m);
  assert.match(text, /^ok {2}data +.*new does not exist yet/m);
  const { findings } = JSON.parse(await succeed(["doctor", "--data", data, "--json"])) as { findings: { topic: string; right: boolean }[] };
  for (const topic of ["runtime", "backend wasm", "backend cpu", "devices", "memory", "data", "disk", "port"])
    assert.equal(findings.find((finding) => finding.topic === topic)?.right, true, topic);
  const missing = await runCli(["doctor", "--data", data, "--server", "127.0.0.1:1"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stdout, /^NO {2}server +.*127\.0\.0\.1:1.*\n +start one with: ratatouille up$/m);
});

test("a new data directory has no runs and no models", async () => {
  const data = directory.join("empty");
  assert.match(await succeed(["runs", "list", "--data", data]), /^No runs yet/);
  assert.equal(await succeed(["models", "list", "--data", data]), "No models yet.\n");
  assert.equal(await succeed(["models", "list", "--data", data, "--json"]), "[]\n");
});
