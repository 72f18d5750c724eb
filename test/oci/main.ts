/** `npm run test:oci`: puts the registry of `ratatouille up --oci` through the conformance suite of the OCI distribution specification. */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { ociConformanceProgram } from "#libs/programs";
import { type RuntimeName, runtimeName } from "#libs/service";
import { temporaryDirectory, testProcess } from "#libs/testing";
import { commandOn } from "../e2e/runtimes.ts";
import { readArguments } from "../read-arguments.ts";

const usage = `Usage: npm run test:oci -- [options]

Starts \`ratatouille up --oci\` and runs the conformance suite of the OCI distribution specification against it, which is built with Go and
kept in the user's cache. What is claimed is in docs/oci.md; a check that is skipped counts as failed.

Options:
  --on RUNTIMES  of bun, node and deno, separated by commas (that of this process)
  --help         print this`;

/** What docs/oci.md claims, beyond the suite's own defaults of version 1.1; "false" is what it does not claim. */
const claims = {
  OCI_VERSION: "1.1",
  OCI_API_BLOBS_UPLOAD_CANCEL: "true",
  OCI_API_BLOBS_DIGEST_HEADER: "true",
  OCI_API_MANIFESTS_DIGEST_HEADER: "true",
  OCI_API_BLOBS_DELETE: "false",
  OCI_API_BLOBS_ATOMIC: "false",
  OCI_DATA_SHA512: "false",
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = readArguments(args, { on: { type: "string", default: runtimeName() }, help: { type: "boolean", default: false } });
  if (typeof parsed === "string") return say(`${parsed}. --help lists the options`, 2);
  const { on, help } = parsed.values;
  if (help) return say(usage, 0);
  const runtimes = on.split(",");
  const stranger = runtimes.find((name) => !["bun", "node", "deno"].includes(name));
  if (stranger !== undefined) return say(`--on must be of bun, node and deno, not ${stranger}`, 2);
  let worst = 0;
  for (const runtime of runtimes) worst = Math.max(worst, await runSuite(runtime as RuntimeName));
  return worst;
}

async function runSuite(runtime: RuntimeName): Promise<number> {
  const suite = await ociConformanceProgram();
  await using directory = await temporaryDirectory("ratatouille-oci-");
  const [program, flags] = commandOn(runtime);
  const up = ["services/cli/main.ts", "up", "--data", directory.join("data"), "--trainers", "0"];
  await using system = testProcess(program, [...flags, ...up, "--listen", "127.0.0.1:0", "--oci", "127.0.0.1:0"]);
  const [, registry = ""] = / are an OCI registry, ([^:]+:\d+)/.exec(await system.line("are an OCI registry", 60_000)) ?? [];
  const results = directory.join("results");
  const env = { ...process.env, ...claims, OCI_REGISTRY: registry, OCI_TLS: "disabled", OCI_RESULTS_DIR: results };
  const output = await outputOf(suite, directory.path, env);
  const { tests = 0, failures = 0, errors = 0, skipped = 0, disabled = 0 } = totalsOf(await readFile(`${results}/junit.xml`, "utf8"));
  const failed = failures + errors + skipped;
  const passed = tests - failed - disabled;
  const bad = failed > 0 || passed === 0 || !/^OCI Conformance Result: Pass$/m.test(output);
  if (bad) process.stdout.write(output);
  return say(`${passed} passed, ${failed} failed (of the suite's ${tests}, ${disabled} are not claimed; on ${runtime})`, bad ? 1 : 0);
}

/** The numbers of a report of JUnit. */
function totalsOf(report: string): Partial<Record<"tests" | "failures" | "errors" | "skipped" | "disabled", number>> {
  const [head = ""] = /<testsuites [^>]*>/.exec(report) ?? [];
  return Object.fromEntries([...head.matchAll(/(\w+)="(\d+)"/g)].map(([, name, number]) => [name, Number(number)]));
}

function outputOf(program: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    child.once("error", reject);
    child.once("close", () => resolve(output));
  });
}

function say(text: string, exitCode: number): number {
  process.stdout.write(`${text}\n`);
  return exitCode;
}
