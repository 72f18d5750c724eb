// Faults, and the proof that nothing is lost: `npm run test:faults -- --help`.
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { createReport } from "./report.ts";
import { runCases, suite } from "./suite.ts";

/** What was not run by then has failed. */
const LIMIT_MS = 25 * 60_000;

const USAGE = `Usage: npm run test:faults -- [options]

Kills, stops, cuts off and confuses the processes of a system that runs examples/tiny.yaml, and checks that nothing is lost: every run ends
with the digests of an undisturbed one, no job is lost or takes effect twice, and no process and no file is left over.

  --subset       a part that takes three minutes at most
  --only NAME    one case; may be given again
  --seed N       the seed of all random moments (${suite.seed})
  --keep         leave the directories of the cases
  --list         names of the cases
`;

const { values } = parseArgs({
  options: {
    subset: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    seed: { type: "string", default: String(suite.seed) },
    keep: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const unknown = values.only.find((name) => !suite.cases.some((known) => known.name === name));
if (values.help) process.stdout.write(USAGE);
else if (values.list) process.stdout.write(suite.cases.map(({ name, subset }) => `${name}${subset ? " (subset)" : ""}\n`).join(""));
else if (unknown !== undefined || !Number.isSafeInteger(seed) || seed < 0) {
  process.stderr.write(unknown === undefined ? `--seed must be a whole number, not "${values.seed}"\n` : `there is no case ${unknown}\n`);
  process.exitCode = 2;
} else {
  const interruption = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => interruption.abort(new Error(`interrupted by ${name}`)));
  const chosen = suite.cases.filter(({ name, subset }) => (values.only.length > 0 ? values.only.includes(name) : subset || !values.subset));
  const limit = setTimeout(() => interruption.abort(new Error(`the suite took longer than ${LIMIT_MS / 60_000} minutes`)), LIMIT_MS);
  const began = performance.now();
  const report = createReport((text) => process.stdout.write(text));
  await runCases(chosen, { seed, signal: interruption.signal, report, keep: values.keep });
  clearTimeout(limit);
  const code = report.end(performance.now() - began);
  // A case that failed may leave something open, which would keep this process.
  process.stdout.end(() => process.exit(code));
}
