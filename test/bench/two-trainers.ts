import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BenchOptions } from "./benchmark.ts";
import { runProgram } from "./child.ts";
import type { Figure } from "./figures.ts";
import { withDirectory, withSystem } from "./system.ts";

const TRAINERS = 2;

type Times = { readonly embeddedMs: number; readonly distributedMs: number };

/** `./ratatouille recycle FILE` in one process against a system of processes, in turns; both have two trainers and make the same models. */
export async function twoTrainers(options: BenchOptions): Promise<Figure[]> {
  const times: Times[] = [];
  for (let run = 1; run <= options.runs; run++) times.push(await measure(options, run));
  return [
    { name: "run, embedded", unit: "s", runs: times.map(({ embeddedMs }) => embeddedMs / 1000) },
    { name: "run, as processes over JetStream", unit: "s", runs: times.map(({ distributedMs }) => distributedMs / 1000) },
    {
      name: "processes / embedded",
      unit: "",
      runs: times.map(({ embeddedMs, distributedMs }) => distributedMs / embeddedMs),
      atMost: 1.1,
    },
  ];
}

async function measure({ file, runs, say }: BenchOptions, run: number): Promise<Times> {
  return withDirectory(async (directory) => {
    const out = (name: string) => join(directory, name);
    const embedded = async () => {
      say(`run ${run} of ${runs}: ${file} embedded`);
      const args = ["recycle", file, "--data", join(directory, "data"), "--out", out("embedded"), "--trainers", String(TRAINERS)];
      return (await runProgram("./ratatouille", args)).wallMs;
    };
    const distributed = () =>
      withSystem({ trainers: TRAINERS }, async ({ address }) => {
        say(`run ${run} of ${runs}: ${file} as processes`);
        return (await runProgram("./ratatouille", ["recycle", file, "--server", address, "--out", out("distributed")])).wallMs;
      });
    // In turns, so that what else the machine does falls on both.
    const times =
      run % 2 === 1
        ? { embeddedMs: await embedded(), distributedMs: await distributed() }
        : { distributedMs: await distributed(), embeddedMs: await embedded() };
    const [one, other] = [await modelsDigest(out("embedded")), await modelsDigest(out("distributed"))];
    if (one !== other) throw new Error(`${file} made other models as processes than embedded`);
    return times;
  });
}

/** One digest of all models that a run has written. */
async function modelsDigest(out: string): Promise<string> {
  const models = join(out, "models");
  const entries = await readdir(models, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(models.length));
  if (paths.length === 0) throw new Error(`there are no models in ${models}`);
  const hash = createHash("sha256");
  for (const path of paths.sort()) hash.update(path).update(await readFile(join(models, path)));
  return hash.digest("hex");
}
