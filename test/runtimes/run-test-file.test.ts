import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { temporaryDirectory } from "#libs/testing";
import { isRuntimeMatter, testFiles } from "./files.ts";
import { lastTest } from "./last-test.ts";
import { runTestFile } from "./run-test-file.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

async function write(name: string, source: string): Promise<string> {
  const path = directory.join(name);
  await writeFile(path, `import { test } from "node:test";\nimport { appendFileSync } from "node:fs";\n${source}`);
  return path;
}

for (const runtime of ["bun", "node", "deno"] as const) {
  test(`on ${runtime} the tests of a file are counted`, async () => {
    const good = await runTestFile(runtime, await write(`good-${runtime}.test.ts`, 'test("a", () => {}); test("b", () => {});'));
    assert.deepEqual([good.ok, good.passed, good.failed], [true, 2, 0], good.output);
    const source = 'test("a", () => {}); test("b", () => { throw new Error("no luck"); });';
    const bad = await runTestFile(runtime, await write(`bad-${runtime}.test.ts`, source));
    assert.deepEqual([bad.ok, bad.passed, bad.failed], [false, 1, 1], bad.output);
    assert.ok(bad.output.includes("no luck"));
  });

  test(`on ${runtime} a file whose process is killed has failed, and its output says where`, async () => {
    const runs = directory.join(`runs-${runtime}`);
    const source = `test("fine", () => {}); test("a", () => { appendFileSync(${JSON.stringify(runs)}, "x"); process.kill(process.pid, "SIGKILL"); });`;
    const { ok, output } = await runTestFile(runtime, await write(`killed-${runtime}.test.ts`, source));
    assert.equal(ok, false);
    // Node runs the tests in a process below its runner, which has totals all the same.
    if (runtime !== "node") assert.match(output, runtime === "deno" ? /SIGKILL, in the test "a"$/m : /SIGKILL, after the test "fine"$/m);
    assert.equal(await readFile(runs, "utf8"), "x");
  });
}

test("output that breaks off says in which test that was, or after which", () => {
  assert.equal(lastTest("bun", '(pass) adds [0.20ms]\n(fail) takes away "1" [7.00ms]\n'), 'after the test "takes away "1""');
  assert.equal(lastTest("node", "✔ adds (0.919175ms)\n  ✖ divides (1ms)\n"), 'after the test "divides"');
  assert.equal(lastTest("node", ""), "before any test had ended");
  assert.equal(lastTest("deno", "adds ... ok (2ms)\ndivides ... FAILED (2ms)\n"), 'after the test "divides"');
  const late = "adds ... ok (2ms)\ndivides ...'divides' has been running for over (1m0s)\n";
  assert.equal(lastTest("deno", late), 'in the test "divides"');
  assert.equal(lastTest("deno", `${late} ok (1m13s)\n`), 'after the test "divides"');
});

test("the files of a path, and those to which the runtime matters", async () => {
  assert.deepEqual(await testFiles(["./test/runtimes/"]), ["test/runtimes/run-test-file.test.ts"]);
  const all = await testFiles([]);
  assert.ok(all.length > 100);
  assert.ok(all.every((file) => file.endsWith(".test.ts")));
  const matters = all.filter(isRuntimeMatter);
  for (const file of ["libs/rpc/calls.test.ts", "services/trainer/run-recipe.test.ts", "test/e2e/main-path.test.ts"])
    assert.ok(matters.includes(file), file);
  for (const file of ["test/lint/rules.test.ts", "test/e2e/wrong-run-files.test.ts"]) assert.ok(!matters.includes(file), file);
});
