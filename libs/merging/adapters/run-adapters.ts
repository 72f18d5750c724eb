import { mkdir, open, rm, stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { digestOfFile, type FileLock, LockedError, lockFile, publishFiles, writeTo } from "#libs/files";
import type { Digest } from "#libs/recipes";
import { dtypes } from "#libs/tensors";
import { runInThreads } from "#libs/threads";
import { AdapterError, reviveAdapterError } from "./errors.ts";
import type { AdapterPlan } from "./types.ts";
import type { AdapterSetup, AdapterUnit } from "./worker.ts";

export type RunAdaptersOptions = {
  /** Folder of the outputs; made where it is not there. */
  readonly directory: string;
  readonly threads?: number | undefined;
  /** Wait until the disk has it. True unless it is said otherwise. */
  readonly fsync?: boolean | undefined;
  /** Overwrite outputs that are there. */
  readonly force?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: { readonly writtenBytes: number; readonly totalBytes: number }) => void) | undefined;
};

/** The files that were written, with their digests. */
export type WrittenFiles = { readonly files: readonly { readonly name: string; readonly size: number; readonly digest: Digest }[] };

// Numbers of a unit: some milliseconds of work, and a few megabytes of memory.
const UNIT_ELEMENTS = 1 << 18;
const SMALL_BYTES = 4 << 20;

/**
 * Writes what was planned: temporary files first, which get their names when they are whole, so that a reader never sees half a model. An
 * average of adapters that was stopped starts again from the beginning, over what is left of it.
 * Rejects with AdapterError where outputs exist, an input changed, or a number is not finite, and with the signal's reason; then nothing is published.
 */
export async function runAdapters(plan: AdapterPlan, options: RunAdaptersOptions): Promise<WrittenFiles> {
  const { directory, fsync = true, force = false, signal } = options;
  signal.throwIfAborted();
  await mkdir(directory, { recursive: true });
  const texts = [
    ...(plan.config === undefined ? [] : [{ name: "adapter_config.json", text: plan.config }]),
    ...(plan.index === undefined ? [] : [{ name: "model.safetensors.index.json", text: plan.index }]),
  ];
  const names = [...plan.outputs, ...texts].map(({ name }) => name);
  const hidden = (name: string, end: string) => join(directory, `.${name}.${plan.key.slice(0, 12)}.${end}`);
  using _ = await lockOutput(hidden(names[0]!, "lock"), join(directory, names[0]!));
  for (const name of force ? [] : names) {
    if (await stat(join(directory, name)).catch(() => undefined))
      throw new AdapterError([`${join(directory, name)} exists; --force overwrites it`]);
  }
  await checkInputs(plan);
  const temporary = names.map((name) => hidden(name, "partial"));
  try {
    for (const [i, { size, header }] of plan.outputs.entries()) {
      await using file = await open(temporary[i]!, "w");
      await writeTo(file, header);
      await file.truncate(size);
    }
    await makeTensors(plan, temporary, options);
    await checkInputs(plan);
    const files: { name: string; size: number; digest: Digest }[] = [];
    for (const [i, { name, size }] of plan.outputs.entries()) {
      files.push({ name, size, digest: await digestOfFile(temporary[i]!, { signal }) });
    }
    for (const [i, { text }] of texts.entries()) await writeFile(temporary[plan.outputs.length + i]!, text);
    await publishFiles(
      names.map((name, i) => ({ from: temporary[i]!, to: join(directory, name) })),
      { fsync },
    );
    // Earlier versions said there which process made it.
    await rm(hidden(names[0]!, "journal"), { force: true });
    return { files };
  } catch (error) {
    await Promise.all(temporary.map((path) => rm(path, { force: true })));
    throw error;
  }
}

async function makeTensors(
  plan: AdapterPlan,
  outputs: readonly string[],
  { threads, signal, onProgress }: RunAdaptersOptions,
): Promise<void> {
  const units = plan.tensors.flatMap((tensor): AdapterUnit[] => {
    const step = Math.max(1, Math.floor(UNIT_ELEMENTS / Math.max(1, tensor.columns)));
    const starts = Array.from({ length: Math.ceil(tensor.rows / step) }, (_, i) => i * step);
    return starts.map((first) => ({ tensor, first, count: Math.min(step, tensor.rows - first) }));
  });
  const setup: AdapterSetup = { inputs: plan.inputs.map(({ path }) => path), outputs, origins: plan.origins };
  const totalBytes = plan.tensors.reduce((sum, { rows, columns, dtype }) => sum + (rows * columns * dtypes.get(dtype)!.bits) / 8, 0);
  const run = runInThreads<AdapterUnit, number>({
    module: new URL("worker.ts", import.meta.url),
    setup,
    units,
    threads: threads ?? (totalBytes < SMALL_BYTES ? 0 : availableParallelism()),
    signal,
    revive: reviveAdapterError,
  });
  let writtenBytes = 0;
  for await (const { result } of run) {
    writtenBytes += result;
    onProgress?.({ writtenBytes, totalBytes });
  }
}

/** Every input is still the file that was planned with. */
async function checkInputs({ inputs }: AdapterPlan): Promise<void> {
  for (const { path, size, identity } of inputs) {
    const now = await stat(path, { bigint: true });
    const same = now.dev === identity.device && now.ino === identity.inode && now.mtimeNs === identity.mtimeNs && now.size === BigInt(size);
    if (!same) throw new AdapterError([`${path} was changed while it was read`]);
  }
}

/** Takes an output for this caller. @throws AdapterError if another process, or this one, is at it */
async function lockOutput(lock: string, output: string): Promise<FileLock> {
  try {
    return await lockFile(lock);
  } catch (error) {
    if (!(error instanceof LockedError)) throw error;
    throw new AdapterError([`${output} is being written by another process; wait for it, or end it`], "busy");
  }
}
