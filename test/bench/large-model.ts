import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { planSafetensors } from "#libs/tensors";
import type { Benchmark, BenchOptions } from "./benchmark.ts";
import { ROOT } from "./child.ts";
import type { Figure } from "./figures.ts";
import { peakMemoryMb } from "./process-facts.ts";
import { SERVICES, withDirectory, withSystem } from "./system.ts";

/** Bytes of each tensor of a model; of as many as it takes. */
const TENSOR_BYTES = 64 << 20;
const LOOK_MS = 100;

type Step = { readonly name: string; readonly bytes: number; readonly wallMs: number; readonly peakMb: number };

/** Two models of `--size` MB through every service that has them in its hands: how fast, and the most memory of each process. */
export const largeModel: Benchmark = {
  summary: "models of --size MB through import, averaging by the server and pull: MB/s, and the most memory of each process",
  async run(options) {
    const figures = new Map<string, Figure>();
    for (let run = 1; run <= options.runs; run++)
      for (const { name, unit, value } of await measure(options, run))
        figures.set(name, { name, unit, runs: [...(figures.get(name)?.runs ?? []), value] });
    return [...figures.values()];
  },
};

async function measure({ size, runs, say }: BenchOptions, run: number) {
  return withDirectory((directory) =>
    withSystem({ trainers: 0 }, async ({ address, programs }) => {
      const [a, b] = await Promise.all(["a", "b"].map((name, i) => writeModel(join(directory, `${name}.safetensors`), size * 1e6, i)));
      const server = ["--server", address, "--quiet"];
      const steps: Step[] = [];
      const step = async (name: string, bytes: number, ...args: readonly string[]) => {
        say(`run ${run} of ${runs}: ${name}`);
        steps.push({ name, bytes, ...(await runWatched(args)) });
      };
      await step("import", size * 1e6, "import", a!, ...server, "--name", "large/a", "--licence", "MIT");
      await step("import of another", size * 1e6, "import", b!, ...server, "--name", "large/b", "--licence", "MIT");
      const out = join(directory, "average.safetensors");
      await step("average by the server", 2 * size * 1e6, "average", "large/a", "large/b", ...server, "--allow-unrelated", "-o", out);
      await step("pull", size * 1e6, "models", "pull", "large/b", "--server", address, "--out", join(directory, "pulled"));
      const peaks = await Promise.all(
        SERVICES.map(async (name) => ({ name: `${name}, most memory`, unit: "MB", value: await peakMemoryMb(programs.get(name)?.pid) })),
      );
      return [
        ...steps.map(({ name, bytes, wallMs }) => ({ name, unit: "MB/s", value: bytes / 1e3 / wallMs })),
        ...steps.map(({ name, peakMb }) => ({ name: `${name}: command, most memory`, unit: "MB", value: peakMb })),
        ...peaks.map(({ name, unit, value = Number.NaN }) => ({ name, unit, value })),
      ];
    }),
  );
}

/** A file of float32 zeros that takes no room on the disk, but for one number that makes it another model. */
async function writeModel(path: string, bytes: number, number: number): Promise<string> {
  const count = Math.max(1, Math.round(bytes / TENSOR_BYTES));
  const tensors = Array.from({ length: count }, (_, i) => {
    return { name: `layers.${i}.weight`, dtype: "F32" as const, shape: [TENSOR_BYTES / 4096, 1024] };
  });
  const { header, size } = planSafetensors(tensors, { format: "pt" });
  await using file = await open(path, "w");
  await file.write(header, 0, header.length, 0);
  await file.write(new Uint8Array(Float32Array.of(number).buffer), 0, 4, header.length);
  await file.truncate(size);
  return path;
}

/** Runs the command line and looks at its memory meanwhile. @throws Error with its last words when it fails */
async function runWatched(args: readonly string[]): Promise<{ wallMs: number; peakMb: number }> {
  const began = performance.now();
  const child: ChildProcess = spawn("./ratatouille", args, { cwd: ROOT, stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  child.stderr?.on("data", (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)));
  let peakMb = 0;
  const timer = setInterval(async () => {
    peakMb = Math.max(peakMb, (await peakMemoryMb(child.pid)) ?? 0);
  }, LOOK_MS);
  try {
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`ratatouille ${args.join(" ")} ended with ${code}: ${words}`);
    return { wallMs: performance.now() - began, peakMb };
  } finally {
    clearInterval(timer);
  }
}
