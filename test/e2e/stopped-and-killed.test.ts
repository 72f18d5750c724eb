import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { uniform } from "#libs/deterministic";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { type Cli, startCli, succeed } from "./cli.ts";
import { assertTinyRun, countOf, eventsOf } from "./outputs.ts";
import { isAlive, trainersOf } from "./processes.ts";
import { tiny } from "./run-file.ts";

const directory = await temporaryDirectory();
after(() => directory[Symbol.asyncDispose]());

const SEED = 20260726;

const made = { data: directory.join("data"), out: directory.join("out") };
const args = ["recycle", tiny, "--data", made.data, "--out", made.out];
const start = () => startCli([...args, "--trainers", "2", "--json"]);
/** Labels of all jobs that the run below was seen to finish. */
const finished: string[] = [];

test("Ctrl-C ends a run with 130 and the command that goes on", async () => {
  await using cli = start();
  await cli.line("foundation model");
  const trainers = trainersOf(cli.pid);
  cli.signalGroup("SIGINT");
  const { code, stdout, stderr } = await cli.ended;
  assert.deepEqual([trainers.length, code, trainers.filter(isAlive)], [2, 130, []]);
  assert.equal(stderr, `Stopped. Nothing is lost: the same command goes on where it stopped.\n  ratatouille ${args.join(" ")}\n`);
  finished.push(...jobsIn(stdout));
  assert.ok(finished.length > 0);
});

test("it goes on, and where it is killed nothing outlives it", async () => {
  {
    await using cli = start();
    const trainers = await moment(cli, 1);
    cli.signal("SIGKILL");
    finished.push(...(await killed(cli, trainers)));
  }
  await using cli = start();
  const running = await moment(cli, 2);
  const victim = running[Math.floor(uniform(SEED, 100) * running.length)] ?? 0;
  process.kill(victim, "SIGKILL");
  await waitFor(() => !isAlive(victim), { what: "the end of a trainer" });
  const trainers = await moment(cli, 3);
  cli.signalGroup("SIGKILL");
  finished.push(...(await killed(cli, trainers)));
});

test("after all that it does nothing twice and makes the same models as every run", async () => {
  const before = finished.length;
  finished.push(...jobsIn(await succeed([...args, "--trainers", "2", "--json"])));
  assert.ok(finished.length > before);
  assert.deepEqual(finished.toSorted(), [...new Set(finished)].toSorted());
  await assertTinyRun(made);
});

/**
 * Waits for a moment in the i-th sixth of a run that chance, with a seed, has chosen; returns the trainers that run then. Behind the middle
 * there are only evaluations left for a fast machine, which no trainer does.
 */
async function moment(cli: Cli, i: number): Promise<number[]> {
  const done = 6 * i + Math.floor(6 * uniform(SEED, i));
  const reached = () =>
    countOf(
      eventsOf(wholeLines(cli.stdout())).findLast(({ event }) => event === "progress"),
      "done",
    );
  await waitFor(() => reached() >= done, { timeoutMs: 60_000, what: `${done} jobs done` });
  await pause(100 * uniform(SEED, 50 + i));
  const trainers = trainersOf(cli.pid);
  assert.ok(trainers.length > 0);
  return trainers;
}

/** Waits for the end of a command that was killed, and of its trainers; returns the jobs that it had seen end. */
async function killed(cli: Cli, trainers: readonly number[]): Promise<string[]> {
  const { code, stdout } = await cli.ended;
  assert.equal(code, "SIGKILL");
  await waitFor(() => !trainers.some(isAlive), { timeoutMs: 2000, what: "the end of trainers whose command was killed" });
  return jobsIn(wholeLines(stdout));
}

function wholeLines(stdout: string): string {
  return stdout.slice(0, stdout.lastIndexOf("\n") + 1);
}

/** Labels of the jobs that a trainer has finished. */
function jobsIn(stdout: string): string[] {
  return eventsOf(stdout).flatMap(({ event, state, label = "" }) => (event === "job" && state === "succeeded" ? [label] : []));
}
