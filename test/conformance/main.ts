// Whether a trainer, whatever it is written in, keeps the contract: `npm run test:conformance -- --help`.
import { performance } from "node:perf_hooks";
import { temporaryDirectory } from "#libs/testing";
import { readCommandLine, USAGE } from "./arguments.ts";
import { openBench, openPlace } from "./bench.ts";
import { linesOf, totalsOf } from "./report.ts";
import { checks, type Outcome, problemOf, runChecks } from "./suite.ts";

const asked = readCommandLine(process.argv.slice(2));
if (asked.action === "help") process.stdout.write(USAGE);
else if (asked.action === "list") process.stdout.write(checks.map(({ name, about }) => `${name.padEnd(10)} ${about}\n`).join(""));
else if (asked.action === "wrong") {
  process.stderr.write(`${asked.problem}\n`);
  process.exitCode = 2;
} else {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interruption.abort(new Error(`interrupted by ${name}`)));
  const began = performance.now();
  const outcomes: Outcome[] = [];
  let problem: string | undefined;
  try {
    await using directory = await temporaryDirectory("ratatouille-conformance-");
    await using place = await openPlace(directory.path);
    await using bench = await openBench(place, asked.options);
    for await (const outcome of runChecks(bench, asked.chosen, interruption.signal)) {
      outcomes.push(outcome);
      process.stdout.write(asked.json ? `${JSON.stringify(outcome)}\n` : linesOf(outcome));
    }
  } catch (error) {
    problem = problemOf(error);
  }
  if (problem !== undefined) process.stderr.write(`the suite failed: ${problem}\n`);
  if (!asked.json) process.stdout.write(totalsOf(outcomes, performance.now() - began));
  const failed = problem !== undefined || outcomes.some(({ passed }) => !passed) || outcomes.length === 0;
  // A check that failed may leave something open, which would keep this process.
  process.stdout.end(() => process.exit(failed ? 1 : 0));
}
