import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runScript } from "./child.ts";
import { type BareTimes, mainJob } from "./main-job.ts";
import { planFile } from "./plan-file.ts";
import { runBench } from "./run-bench.ts";

/** Runs it as a person does. */
function bench(...args: string[]) {
  const deno = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
  const script = fileURLToPath(new URL("./main.ts", import.meta.url));
  return spawnSync(process.execPath, [...deno, script, ...args], { encoding: "utf8", timeout: 60_000 });
}

test("--list names the benchmarks; the exit code says whether the usage was right", () => {
  const { status, stdout } = bench("--list");
  assert.equal(status, 0);
  assert.ok(stdout.includes(`main-job       ${mainJob.summary}`), stdout);
  assert.equal(bench("charm").status, 2);
});

for (const [what, args, reason] of [
  ["no name", [], "expected one of main-job"],
  ["an unknown name", ["charm"], 'got "charm"'],
  ["two names", ["main-job", "evaluation"], 'got "main-job evaluation"'],
  ["an unknown option", ["main-job", "--fast"], "--fast"],
  ["no runs", ["main-job", "--runs", "0"], "--runs: expected a whole number of at least 1, got 0"],
  ["half a core", ["main-job", "--cores", "0.5"], "--cores: expected a whole number of at least 1, got 0.5"],
  ["no jobs", ["distributed", "--jobs", "0"], "--jobs: expected a whole number of at least 1, got 0"],
  ["too few models", ["catalog", "--models", "9"], "--models: expected a whole number of at least 100, got 9"],
  ["no size", ["average", "--size", "0"], "--size: expected a whole number of at least 1, got 0"],
  [
    "an unknown part of average",
    ["average", "--part", "x"],
    '--part: expected one of alone, linear, types, methods, session, large, got "x"',
  ],
  ["an unknown part", ["distributed", "--part", "x"], '--part: expected one of run, hand-over, start, recovery, got "x"'],
  ["a part of a whole", ["main-job", "--part", "run"], "--part: main-job has no parts"],
] as const) {
  test(`${what} is wrong usage`, async () => {
    const [printed, said]: [string[], string[]] = [[], []];
    const into = (texts: string[]) => ({ write: (text: string) => texts.push(text) > 0 });
    assert.equal(await runBench(args, { stdout: into(printed), stderr: into(said) }), 2);
    assert.deepEqual(printed, []);
    assert.ok(said.join("").includes(reason), said.join(""));
  });
}

test("the bare process runs every job of a run file", async () => {
  const file = "examples/tiny.yaml";
  const { jobs, cpuMs, cpuMsByKind } = await runScript<BareTimes>("./bare-process.ts", [file]);
  const { nodes } = await planFile(file);
  const kinds = new Set(nodes.map(({ template }) => template.kind));
  assert.ok(jobs > 0 && jobs <= nodes.length);
  assert.deepEqual(Object.keys(cpuMsByKind).sort(), [...kinds].sort());
  const sum = Object.values(cpuMsByKind).reduce((total, ms) => total + ms, 0);
  assert.ok(sum > 0 && sum <= cpuMs);
});
