import { availableParallelism } from "node:os";
import { readArguments } from "../read-arguments.ts";
import { average } from "./average.ts";
import type { Benchmark } from "./benchmark.ts";
import { catalog } from "./catalog.ts";
import { distributed } from "./distributed.ts";
import { evaluation } from "./evaluation.ts";
import { figureTable, keepsBound, median } from "./figures.ts";
import { images } from "./images.ts";
import { importing } from "./import.ts";
import { largeModel } from "./large-model.ts";
import { describeMachine, machine } from "./machine.ts";
import { mainJob } from "./main-job.ts";
import { oci } from "./oci.ts";
import { predictions } from "./predictions.ts";
import { train } from "./train.ts";
import { trainingLoop } from "./training-loop.ts";
import { wire } from "./wire.ts";

const benchmarks: { readonly [name: string]: Benchmark } = {
  "main-job": mainJob,
  distributed,
  "training-loop": trainingLoop,
  train,
  evaluation,
  predictions,
  average,
  import: importing,
  images,
  catalog,
  "large-model": largeModel,
  oci,
  wire,
};

const usage = `Usage: npm run bench -- NAME [options]

Runs whole programs and prints medians over the runs, the bounds they should keep, and what they ran on.
Run it on a machine that does nothing else.

Benchmarks:
${listing()}

Options:
  --runs N      repetitions (3)
  --file FILE   run file of main-job and distributed (examples/digits.yaml)
  --part PART   only this part of distributed: ${partsOf(distributed)}; of average: ${partsOf(average)};
                of catalog: ${partsOf(catalog)}; of train: ${partsOf(train)}
  --models N    models of catalog (100000)
  --jobs N      jobs that wait in the hand-overs of distributed (1000)
  --size MB     size of each of the 8 models of average, of the 2 of large-model, and of those of oci and wire (400)
  --beside DIR  another clone, with its packages, which the part alone of average measures in the same turns
  --python FILE a python with the packages of the peers of images and train (default: they are installed into the user's cache, 7 GB);
                with grpcio, numpy and protobuf wire measures the Python client too
  --cores N     cores that the system may use (all: ${availableParallelism()})
  --json        print one JSON object
  --list        print the names
  --help        print this

Examples:
  npm run bench -- main-job
  npm run bench -- main-job --runs 1 --file examples/tiny.yaml
  npm run bench -- distributed --runs 1 --file examples/tiny.yaml
  npm run bench -- distributed --part hand-over
  npm run bench -- evaluation --json
  npm run bench -- images --python ~/venv/bin/python
  npm run bench -- average
  npm run bench -- average --part linear --size 40 --runs 1
  npm run bench -- average --part alone --beside ../before
  npm run bench -- catalog --models 10000 --runs 1
  npm run bench -- large-model --size 5000 --runs 1
  npm run bench -- wire --size 100`;

/** Where it says things. */
type Output = { readonly stdout: Pick<NodeJS.WriteStream, "write">; readonly stderr: Pick<NodeJS.WriteStream, "write"> };

/** Runs the benchmark that the arguments name, and prints its figures. Returns the exit code: 2 for wrong usage. */
export async function runBench(args: readonly string[], { stdout, stderr }: Output): Promise<number> {
  const print = (text: string): number => {
    stdout.write(`${text}\n`);
    return 0;
  };
  const fail = (reason: string): number => {
    stderr.write(`${reason}\n\n${usage}\n`);
    return 2;
  };
  const parsed = parse(args);
  if (typeof parsed === "string") return fail(parsed);
  const { values, positionals } = parsed;
  if (values.help) return print(usage);
  if (values.list) return print(listing());
  const [name = ""] = positionals;
  const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  const runs = Number(values.runs);
  const cores = Number(values.cores);
  const jobs = Number(values.jobs);
  const size = Number(values.size);
  const models = Number(values.models);
  const { part, beside, python } = values;
  if (positionals.length !== 1 || benchmark === undefined)
    return fail(`expected one of ${Object.keys(benchmarks).join(", ")}, got "${positionals.join(" ")}"`);
  if (!Number.isInteger(runs) || runs < 1) return fail(`--runs: expected a whole number of at least 1, got ${values.runs}`);
  if (!Number.isInteger(cores) || cores < 1) return fail(`--cores: expected a whole number of at least 1, got ${values.cores}`);
  if (!Number.isInteger(jobs) || jobs < 1) return fail(`--jobs: expected a whole number of at least 1, got ${values.jobs}`);
  if (!Number.isInteger(size) || size < 1) return fail(`--size: expected a whole number of at least 1, got ${values.size}`);
  if (!Number.isInteger(models) || models < 100) return fail(`--models: expected a whole number of at least 100, got ${values.models}`);
  if (part !== undefined && !benchmark.parts?.includes(part))
    return fail(`--part: ${benchmark.parts ? `expected one of ${benchmark.parts.join(", ")}, got "${part}"` : `${name} has no parts`}`);

  const facts = machine();
  stderr.write(`${describeMachine(facts)}\n`);
  const say = (line: string) => void stderr.write(`… ${line}\n`);
  const figures = await benchmark.run({ runs, file: values.file, cores, jobs, size, models, part, beside, python, say });
  const judged = figures.map((figure) => ({ ...figure, median: median(figure.runs), kept: keepsBound(figure) }));
  return print(
    values.json ? JSON.stringify({ benchmark: name, file: values.file, machine: facts, figures: judged }) : figureTable(figures),
  );
}

function parse(args: readonly string[]) {
  return readArguments(args, {
    runs: { type: "string", default: "3" },
    file: { type: "string", default: "examples/digits.yaml" },
    cores: { type: "string", default: String(availableParallelism()) },
    jobs: { type: "string", default: "1000" },
    size: { type: "string", default: "400" },
    models: { type: "string", default: "100000" },
    part: { type: "string" },
    beside: { type: "string" },
    python: { type: "string" },
    json: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
}

function partsOf({ parts = [] }: Benchmark): string {
  return parts.join(", ");
}

function listing(): string {
  return Object.entries(benchmarks)
    .map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`)
    .join("\n");
}
