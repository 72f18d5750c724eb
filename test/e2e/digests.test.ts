import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { uniform } from "#libs/deterministic";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { type Cli, runCli, startCli, succeed } from "./cli.ts";
import { assertLines, countOf, digestsOf, eventsOf, linesOf, modelsIn, readReport } from "./outputs.ts";
import { isAlive, trainersOf } from "./processes.ts";
import { tiny } from "./run-file.ts";

const directory = await temporaryDirectory();
const reference = { data: directory.join("reference"), out: directory.join("reference-out") };

before(async () => {
  await succeed(["recycle", tiny, "--data", reference.data, "--out", reference.out, "--trainers", "1", "--quiet"]);
});
after(() => directory[Symbol.asyncDispose]());

/** Everything that was made: what the report names, and what only the catalog knows. */
async function made({ data, out }: typeof reference) {
  const digests = digestsOf(await readReport(out));
  assert.ok(Object.keys(digests).length > 40);
  return { digests, models: await modelsIn(data) };
}

test("the models and accuracies are those that every version has made", async () => {
  const { digests, models } = await made(reference);
  assertLines([...linesOf(digests), ...models], "6c5cd2e8eb827a2bcde70102bc56e67b2c9cd853f8fe4817b919019b4f504d53");
});

const SEED = 20260726;

test("a run with two trainers that is killed five times makes the same models, and nothing outlives it", async () => {
  const killed = { data: directory.join("killed"), out: directory.join("killed-out") };
  const args = ["recycle", tiny, "--data", killed.data, "--out", killed.out, "--trainers", "2", "--json"];
  const blows = ["cli", "group", "trainer", "cli", "group"] as const;
  let cli: Cli | undefined;
  for (const [i, blow] of blows.entries()) {
    cli ??= startCli(args);
    await moment(cli, i);
    const trainers = trainersOf(cli.pid);
    assert.ok(trainers.length > 0);
    if (blow === "trainer") {
      const victim = trainers[Math.floor(uniform(SEED, 100 + i) * trainers.length)] ?? 0;
      process.kill(victim, "SIGKILL");
      await waitFor(() => !isAlive(victim), { what: "the end of a trainer" });
      continue;
    }
    if (blow === "cli") cli.signal("SIGKILL");
    else cli.signalGroup("SIGKILL");
    assert.equal((await cli.ended).code, "SIGKILL");
    await waitFor(() => !trainers.some(isAlive), { timeoutMs: 2000, what: `the end of trainers whose ${blow} was killed` });
    cli = undefined;
  }
  assert.equal((await runCli(args)).code, 0);
  assert.deepEqual(await made(killed), await made(reference));
});

/** Waits for a moment in the i-th fifth of a run that chance, with a seed, has chosen. */
async function moment(cli: Cli, i: number): Promise<void> {
  const done = 7 * i + Math.floor(7 * uniform(SEED, i));
  const reached = () => {
    const whole = cli.stdout().slice(0, cli.stdout().lastIndexOf("\n") + 1);
    return countOf(
      eventsOf(whole).findLast(({ event }) => event === "progress"),
      "done",
    );
  };
  await waitFor(() => reached() >= done, { timeoutMs: 60_000, what: `${done} jobs done` });
  await pause(150 * uniform(SEED, 50 + i));
}

test("Ctrl-C ends a run with 130 and the command that goes on, which does nothing twice", async () => {
  const stopped = { data: directory.join("stopped"), out: directory.join("stopped-out") };
  const args = ["recycle", tiny, "--data", stopped.data, "--out", stopped.out];
  await using cli = startCli([...args, "--json"]);
  await cli.line("foundation model");
  const trainers = trainersOf(cli.pid);
  cli.signalGroup("SIGINT");
  const { code, stdout, stderr } = await cli.ended;
  assert.deepEqual([code, trainers.filter(isAlive)], [130, []]);
  assert.equal(stderr, `Stopped. Nothing is lost: the same command goes on where it stopped.\n  ratatouille ${args.join(" ")}\n`);

  const before = jobsIn(stdout);
  const after = jobsIn(await succeed([...args, "--json"]));
  assert.ok(before.length > 0 && after.length > 0);
  assert.deepEqual(
    after.filter((label) => before.includes(label)),
    [],
  );
  assert.deepEqual(await made(stopped), await made(reference));
});

/** Labels of the jobs that a trainer has finished. */
function jobsIn(stdout: string): string[] {
  return eventsOf(stdout).flatMap(({ event, state, label = "" }) => (event === "job" && state === "succeeded" ? [label] : []));
}
