import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../child.ts";
import { type Contender, type Models, ratatouille, script, type Workbench } from "./workbench.ts";

/** What no program can beat that reads all models and writes one: `cat` of them to nowhere, and zeros to a file. */
export function diskLimit({ paths, bytesEach }: Models): Contender {
  return {
    name: "cat + write",
    command: (out) => ["sh", "-c", `cat "$@" > /dev/null && head -c ${bytesEach} /dev/zero > "$0"`, out, ...paths],
  };
}

/** `ratatouille average`, with the digests of the models in its cache after the first run. */
export function average(bench: Workbench, models: Models, name: string, ...options: readonly string[]): Contender {
  return { name, command: (out) => ratatouille(bench.join("cache"), averaging(models, out, options)) };
}

/** The same with nothing in the cache. */
export function averageUnknown(models: Models, name: string, ...options: readonly string[]): Contender {
  return { name, command: (out, fresh) => ratatouille(fresh, averaging(models, out, options)) };
}

/** The command of another clone. */
export function averageOf(clone: string, contender: Contender): Contender {
  const here = join(ROOT, "ratatouille");
  const there = join(clone, "ratatouille");
  return {
    name: `${contender.name}, of ${clone}`,
    command: (...folders) => contender.command(...folders).map((word) => (word === here ? there : word)),
  };
}

function averaging({ paths }: Models, out: string, options: readonly string[]): string[] {
  return ["average", ...paths, "-o", out, "--quiet", ...options];
}

/** A contender that may use the first core only, with everything it starts. */
export function onOneCore({ name, command }: Contender): Contender {
  return { name, command: (...folders) => ["taskset", "--cpu-list", "0", ...command(...folders)] };
}

export async function torchLoop(bench: Workbench, { paths }: Models): Promise<Contender> {
  const python = join(await bench.peers(), "python");
  return { name: "PyTorch loop", command: (out) => [python, script("torch-loop.py"), out, ...paths] };
}

/** What the peers take before they begin. */
export async function startOfPyTorch(bench: Workbench): Promise<Contender> {
  const python = join(await bench.peers(), "python");
  return { name: "PyTorch, import only", command: () => [python, "-c", "import torch, safetensors.torch"] };
}

export async function startOfMergekit(bench: Workbench): Promise<Contender> {
  const program = join(await bench.peers(), "mergekit-pytorch");
  return { name: "mergekit, --help only", command: () => [program, "--help"] };
}

/** mergekit's configuration of a method, in a file. */
export async function configuration(bench: Workbench, models: Models, { method, count, base, each, all, dtype }: Recipe): Promise<string> {
  const path = bench.join(`${method}.yml`);
  const list = models.paths.slice(0, count).map((model) => ({ model, ...(each ? { parameters: each } : {}) }));
  const config = {
    merge_method: method,
    models: list,
    ...(base === "first" ? { base_model: models.paths[0] } : base ? { base_model: models.base } : {}),
    ...(all ? { parameters: all } : {}),
    dtype: dtype ?? "float32",
  };
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config, undefined, 1));
  return path;
}

/** A method as both know it. */
export type Recipe = {
  readonly method: string;
  readonly count: number;
  readonly base?: boolean | "first";
  readonly each?: { readonly [name: string]: number };
  readonly all?: { readonly [name: string]: number };
  readonly dtype?: string;
};

export async function mergekit(bench: Workbench, config: string, name: string): Promise<Contender> {
  const program = join(await bench.peers(), "mergekit-pytorch");
  return { name, command: (out) => [program, config, `${out}-folder`, "--quiet"] };
}

/** `ratatouille merge` of the same configuration. */
export function merge(bench: Workbench, config: string, name: string): Contender {
  return { name, command: (out) => ratatouille(bench.join("cache"), ["merge", config, "-o", `${out}-folder`, "--quiet", "--no-fsync"]) };
}
