import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "#libs/testing";
import { type Options, openBench, openPlace, type Place } from "./bench.ts";
import { faults } from "./raw-trainer/faults.ts";
import { checks, runChecks } from "./suite.ts";

// A check that cannot fail is none: each fails a trainer that does the one thing wrong which it is about.

const program = fileURLToPath(new URL("raw-trainer/main.ts", import.meta.url));
const runtime = process.versions["deno"] === undefined ? [] : ["run", "-A", "--no-check", "--no-lock"];
/** Steps a second that make long trainings long enough, and no longer. */
const PER_SECOND = 10_000;

const options: Options = {
  command: [process.execPath, ...runtime, program],
  steps: 60,
  seed: 1,
  deterministic: true,
  withoutCheckpoints: false,
  startMs: 8_000,
  stopMs: 3_000,
  drainMs: 2_000,
  kills: 1,
};

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
let place: Place;
before(async () => {
  const directory = stack.use(await temporaryDirectory());
  place = stack.use(await openPlace(directory.path));
});

let seed = 0;
async function outcomesOf(names: readonly string[], env: Readonly<Record<string, string>>) {
  seed += 1;
  await using bench = await openBench(place, { ...options, seed, env });
  bench.perSecond = PER_SECOND;
  const chosen = checks.filter(({ name }) => names.includes(name));
  return await Array.fromAsync(runChecks(bench, chosen, new AbortController().signal));
}

test("each check has a fault that it finds", () => {
  const found = new Set(Object.values(faults).flatMap((finders) => Object.keys(finders)));
  assert.deepEqual(
    checks.map(({ name }) => name).filter((name) => !found.has(name)),
    [],
  );
});

for (const [fault, finders] of Object.entries(faults)) {
  test(`a trainer that is ${fault} fails ${Object.keys(finders).join(" and ")}`, async () => {
    for (const outcome of await outcomesOf(Object.keys(finders), { FAULT: fault })) {
      assert.ok(!outcome.passed, `${outcome.name} passed: ${outcome.passed && outcome.said}`);
      assert.match(outcome.problem, finders[outcome.name]!);
    }
  });
}
