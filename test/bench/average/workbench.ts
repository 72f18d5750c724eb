import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "#libs/testing";
import { ROOT, runProgram } from "../child.ts";
import { type ModelType, makeModels } from "./make-models.ts";
import { installPeers } from "./peers.ts";

/** What one run of a program took. */
export type Run = { readonly seconds: number; readonly cpuSeconds: number; readonly peakMb: number };

/** A program that makes one thing of models. `out` is a path in an empty folder, `fresh` an empty folder. */
export type Contender = {
  readonly name: string;
  readonly command: (out: string, fresh: string) => readonly string[];
};

/** A folder of models, all of one size. */
export type Models = { readonly folder: string; readonly base: string; readonly paths: readonly string[]; readonly bytesEach: number };

export type Workbench = AsyncDisposable & {
  /** The folder of the peers' programs, which are installed when they are first asked for. */
  peers(): Promise<string>;
  /** A file in the workbench. */
  join(name: string): string;
  models(count: number, megabytes: number, type: ModelType): Promise<Models>;
  /** Runs every contender once, in turn, so often; the runs of each by name. */
  race(contenders: readonly Contender[], runs: number): Promise<ReadonlyMap<string, readonly Run[]>>;
};

/** A place in the folder for temporary files with models of some size and programs that are measured there, removed in the end. */
export async function openWorkbench(say: (line: string) => void): Promise<Workbench> {
  const directory = await temporaryDirectory();
  let peers: Promise<string> | undefined;

  /** Folders that hold models already. */
  const made = new Set<string>();

  async function measure({ command, name }: Contender): Promise<Run> {
    const out = directory.join("out");
    const fresh = directory.join("fresh");
    const log = directory.join("log");
    for (const folder of [out, fresh]) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
    }
    try {
      const { stdout } = await runProgram("python3", [script("measure.py"), log, ...command(join(out, "out.safetensors"), fresh)]);
      return JSON.parse(stdout) as Run;
    } catch {
      throw new Error(`${name} failed: ${(await readFile(log, "utf8").catch(() => "")).slice(-2000)}`);
    }
  }

  return {
    peers: () => (peers ??= installPeers("merge", say)),
    join: directory.join,
    async models(count, megabytes, type) {
      const folder = directory.join(`${type}-${megabytes}`);
      const paths = Array.from({ length: count }, (_, k) => join(folder, `m${k}.safetensors`));
      const models = { folder, base: join(folder, "base.safetensors"), paths, bytesEach: megabytes * 1e6 };
      if (made.has(folder)) return models;
      await mkdir(folder, { recursive: true });
      say(`making ${count + 1} models of ${megabytes} MB, ${type}`);
      await makeModels(folder, megabytes, count, type);
      made.add(folder);
      return models;
    },
    async race(contenders, runs) {
      const results = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]));
      for (let turn = 0; turn < runs; turn++) {
        for (const contender of contenders) {
          const run = await measure(contender);
          results.get(contender.name)!.push(run);
          say(`${contender.name}: ${run.seconds.toFixed(2)} s, ${run.cpuSeconds.toFixed(2)} s of CPU, ${run.peakMb.toFixed(0)} MB`);
        }
      }
      return results;
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

export function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** The command as people start it, with a cache of its own. */
export function ratatouille(cache: string, args: readonly string[]): readonly string[] {
  return ["env", `XDG_CACHE_HOME=${cache}`, join(ROOT, "ratatouille"), ...args];
}
