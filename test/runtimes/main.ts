/** `npm run test:runtimes`: runs test files on the runtimes, each file in a process of its own, so that a crash names its file. */
import { availableParallelism } from "node:os";
import { createLimit } from "#libs/concurrency";
import type { Runtime } from "../e2e/runtimes.ts";
import { readArguments } from "../read-arguments.ts";
import { isRuntimeMatter, testFiles } from "./files.ts";
import { type FileResult, runTestFile } from "./run-test-file.ts";

const runtimes = ["bun", "node", "deno"] as const;

const usage = `Usage: npm run test:runtimes -- [options] [path …]

Runs test files on Bun, Node and Deno, each file in a process of its own. Paths are files or folders (libs services test).

Options:
  --on LIST    runtimes (bun,node,deno)
  --subset     without what does not depend on the runtime: benchmarks, the launcher, lint rules, most of the command line
  --jobs N     files at a time (${defaultJobs()})
  --list       print the files
  --help       print this

Examples:
  npm run test:runtimes
  npm run test:runtimes -- --on node,deno --subset
  npm run test:runtimes -- --on deno libs/rpc`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const parsed = parse(args);
  if (typeof parsed === "string") return fail(parsed);
  const { values, positionals } = parsed;
  if (values.help) return print(usage);
  const on = values.on.split(",");
  const unknown = on.find((name) => !(runtimes as readonly string[]).includes(name));
  if (unknown !== undefined) return fail(`--on: expected some of ${runtimes.join(", ")}, got "${unknown}"`);
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) return fail(`--jobs: expected a whole number of at least 1, got ${values.jobs}`);
  const files = (await testFiles(positionals)).filter((file) => !values.subset || isRuntimeMatter(file));
  if (files.length === 0) return fail(`there are no tests in ${positionals.join(" ")}`);
  if (values.list) return print(files.join("\n"));
  let failed = 0;
  for (const runtime of on as Runtime[]) failed += await runOn(runtime, files, jobs);
  return failed === 0 ? 0 : 1;
}

/** Runs the files on a runtime, says what fails and prints the totals as Bun does. Returns how many failed. */
async function runOn(runtime: Runtime, files: readonly string[], jobs: number): Promise<number> {
  const began = performance.now();
  const limit = createLimit(jobs);
  const results = await Promise.all(
    files.map((file) =>
      limit(async () => {
        const result = await runTestFile(runtime, file);
        report(runtime, result);
        return result;
      }),
    ),
  );
  const sum = (count: (result: FileResult) => number) => results.reduce((all, result) => all + count(result), 0);
  const failed = results.filter(({ ok }) => !ok);
  print(`\n${runtime}: ${files.length} files, ${failed.length} of them failed (${Math.round((performance.now() - began) / 1000)} s)`);
  // A file that ended without totals has failed as one.
  print(`${sum(({ passed }) => passed)} pass\n${sum(({ ok, failed: tests }) => (ok ? 0 : Math.max(1, tests)))} fail`);
  return failed.length;
}

function report(runtime: Runtime, { file, ok, seconds, output }: FileResult): void {
  print(`${ok ? "ok    " : "FAILED"} ${runtime} ${file} (${seconds.toFixed(1)} s)`);
  // Indented, so that nobody takes the totals in it for ours.
  if (!ok) print(output.replaceAll(/^/gm, "  "));
}

/** One more than there are cores: many tests wait. */
function defaultJobs(): number {
  return Math.min(4, availableParallelism() + 1);
}

function parse(args: readonly string[]) {
  return readArguments(args, {
    on: { type: "string", default: runtimes.join(",") },
    subset: { type: "boolean", default: false },
    jobs: { type: "string", default: String(defaultJobs()) },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function fail(reason: string): number {
  process.stderr.write(`${reason} (--help shows how)\n`);
  return 2;
}
