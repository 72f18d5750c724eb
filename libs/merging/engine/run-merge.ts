import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Digest } from "#libs/recipes";
import { runTasks, startAhead } from "#libs/threads";
import { methodNamed } from "../methods/index.ts";
import type { MergePlan } from "../plan/types.ts";
import { MergeError, readError, reviveMergeError } from "./errors.ts";
import { checkIdentity } from "./files.ts";
import { createFrontier, hashOutputs } from "./hash-outputs.ts";
import { type JournalFile, openJournal } from "./journal-file.ts";
import type { Orders, OrdersResult, ThreadSetup } from "./order.ts";
import {
  arePartialsWhole,
  areThere,
  createPartials,
  existingOutputs,
  lockMerge,
  makeFolders,
  nameOutputs,
  type OutputPlaces,
  outputPlaces,
  removeAbandoned,
  removeTemporaries,
  syncPartials,
} from "./outputs.ts";
import { planSpans } from "./plan-spans.ts";
import { createSchedule, type Schedule, stepsOf, type Task } from "./schedule.ts";
import type { Span } from "./spans.ts";
import { planUnits, type Unit } from "./units.ts";

export type RunMergeOptions = {
  /** Folder of the outputs; made if it is not there. */
  readonly directory: string;
  /** By default as many as there are cores; 0, and small merges, run on the thread of the caller. Never changes the bytes. */
  readonly threads?: number | undefined;
  /** For windows of all threads together; methods that need whole tensors or blocks of many models take what they need. */
  readonly memoryBytes?: number | undefined;
  /** Whether the outputs are safe from a power cut when this resolves. True by default. */
  readonly fsync?: boolean | undefined;
  /** Overwrites outputs. */
  readonly force?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: MergeProgress) => void) | undefined;
  /** Called when all is written and before anything has its name: what it fails with ends the merge, and nothing is left. */
  readonly beforePublish?: (() => Promise<void>) | undefined;
  /** Time between two entries of the journal: what a crash costs at most. */
  readonly journalMs?: number | undefined;
  /** Merges that read no more than this run on the thread of the caller. */
  readonly inlineBytes?: number | undefined;
};

/** `readBytes` counts what an earlier process has read, too: `resumedBytes` of it. A pass reads all inputs once, where several are needed. */
export type MergeProgress = {
  readonly readBytes: number;
  readonly totalBytes: number;
  readonly resumedBytes: number;
  readonly pass: number;
  readonly passes: number;
};

export type MergeResult = {
  readonly files: readonly { readonly name: string; readonly size: number; readonly digest: Digest }[];
  /** Bytes of the inputs that were read, with every pass. */
  readonly readBytes: number;
  /** Whether an earlier process had begun it. */
  readonly resumed: boolean;
  /** Numbers of means that f64 could not decide, and that were computed in whole numbers. */
  readonly redone: number;
};

const MEMORY_BYTES = 64 << 20;
const JOURNAL_MS = 2_000;
// Starting threads takes longer than reading this much.
const INLINE_BYTES = 16 << 20;
/** Descriptors for inputs, of all threads together. */
const OPEN_FILES = 192;

const MODULE = new URL("merge-thread.ts", import.meta.url);

/**
 * Starts the threads of a merge that will read about so many bytes, before it is planned: they load meanwhile, and the next `runMerge` takes
 * them. One less than there will be, as the thread of the caller has work itself; none where the merge would run on it. Those that were not
 * taken end when this is disposed.
 */
export function startMergeThreads(bytes: number, threads = availableParallelism()): Disposable {
  return startAhead(MODULE, Math.max(0, threadsFor({ bytesToRead: bytes }, { threads }) - 1));
}

/**
 * Makes what a plan says: reads ranges of the inputs in threads, computes, writes, and publishes all outputs when all is done and safe. The
 * bytes depend on nothing but the plan. What was interrupted, by the signal or by the end of the process, is gone on with when the
 * same is run again in the same folder; other failures leave nothing behind.
 * @throws MergeError, or the signal's reason
 * @example
 * ```ts
 * import { readFile, writeFile } from "node:fs/promises";
 * import { openModel, weightsDigest } from "#libs/models";
 * import { loadFloat32, saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const save = (name, ...w) => writeFile(directory.join(name), saveFloat32(new Map([["w", { shape: [2], data: Float32Array.from(w) }]])));
 * await save("a.safetensors", 1, 2);
 * await save("b.safetensors", 3, 8);
 * const models = await Promise.all(["a", "b"].map((name) => openModel(directory.join(`${name}.safetensors`))));
 * const digests = await Promise.all(models.map((model) => weightsDigest(model)));
 * const plan = planMerge({ method: "linear", models, digests, single: "mean.safetensors" });
 * await runMerge(plan, { directory: directory.path, signal: new AbortController().signal });
 * const mean = loadFloat32(await readFile(directory.join("mean.safetensors")));
 * mean.get("w")?.data; // Float32Array.of(2, 5)
 * ```
 */
export async function runMerge(plan: MergePlan, options: RunMergeOptions): Promise<MergeResult> {
  const { directory, fsync = true, force = false, signal } = options;
  signal.throwIfAborted();
  const places = outputPlaces(plan, directory);
  await makeFolders(places);
  using _lock = await lockMerge(places);
  await removeAbandoned(places);
  const existing = force ? [] : await existingOutputs(places);
  const spans = planSpans(plan);
  const units = planUnits(spans);
  const sync = () => syncPartials(places);
  const intervalMs = options.journalMs ?? JOURNAL_MS;
  await using journal = await openJournal({ path: places.journal, key: plan.key, units: units.length, sync, fsync, intervalMs });
  // From here on the outputs are whole, and getting their names: what fails then is finished by the next one.
  let whole = journal.known?.publish as readonly Digest[] | undefined;
  try {
    if (whole && (await areThere(places, whole))) {
      await options.beforePublish?.();
      return await publish(plan, places, whole, nothingRead(true), { fsync, resumed: true });
    }
    whole = undefined;
    if (existing.length > 0)
      throw new MergeError("exists", `${existing.join(" and ")} exist${existing.length > 1 ? "" : "s"} already`, { path: existing[0]! });
    if (journal.known?.publish || !(await arePartialsWhole(places))) await journal.restart();
    if (journal.known === undefined) await createPartials(places);
    const { digests, total } = await make(plan, places, spans, units, journal, options);
    await checkInputs(plan);
    await options.beforePublish?.();
    if (fsync) await sync();
    await journal.write({ publish: digests });
    whole = digests;
    return await publish(plan, places, digests, total, { fsync, resumed: false });
  } catch (error) {
    // Only what was interrupted makes sense to go on with: with any other failure the same would happen again.
    if (signal.aborted) await journal.flush().catch(() => undefined);
    else if (whole === undefined) await removeTemporaries(places);
    throw error;
  }
}

type Total = Omit<MergeResult, "files">;

const nothingRead = (resumed: boolean): Total => ({ readBytes: 0, resumed, redone: 0 });

async function publish(
  plan: MergePlan,
  places: OutputPlaces,
  digests: readonly Digest[],
  total: Total,
  how: { readonly fsync: boolean; readonly resumed: boolean },
): Promise<MergeResult> {
  await nameOutputs(places, how);
  await removeTemporaries(places);
  return { files: plan.outputs.map(({ name, size }, i) => ({ name, size, digest: digests[i]! })), ...total };
}

/** All units that are not written yet, and the digests of the outputs. */
async function make(
  plan: MergePlan,
  places: OutputPlaces,
  spans: readonly Span[],
  units: readonly Unit[],
  journal: JournalFile,
  options: RunMergeOptions,
): Promise<{ digests: Digest[]; total: Total }> {
  const { signal } = options;
  const known = journal.known ?? { done: new Set<number>(), totals: new Map<string, unknown>() };
  const schedule = createSchedule(spans, units, known);
  const frontier = createFrontier(plan.outputs, spans, units);
  for (const unit of known.done) frontier.add(unit);
  using hashes = hashOutputs(
    places.outputs.map(({ partial, output }, i) => ({ path: partial, size: output.size, ready: () => frontier.ready(i) })),
  );
  const progress = createProgress(schedule, spans, units, known.done, options.onProgress);
  const total = { readBytes: 0, resumed: journal.known !== undefined, redone: 0 };
  const unequal = new Set<string>();
  const agreeing = countAgreeing(spans, units, known.done);

  const onResult = async (task: Task, result: OrdersResult) => {
    total.readBytes += result.readBytes;
    total.redone += result.redone;
    for (const name of result.unequal) unequal.add(name);
    if (task.unit) agreeing.delete(task.unit.index);
    if (agreeing.size === 0 && unequal.size > 0) throw disagreement([...unequal]);
    const reduced = schedule.finish(task, result);
    if (reduced) await journal.write(reduced);
    if (task.unit) {
      if (result.unequal.length === 0) journal.done(task.unit.index);
      frontier.add(task.unit.index);
      hashes.advance();
    }
    journal.tick();
    progress(result.readBytes, schedule.plannedBytes(task));
  };

  const threads = threadsFor(schedule, options);
  hashes.advance();
  const run = runTasks<Task, Orders, OrdersResult>({
    module: MODULE,
    setup: setupOf(plan, places, threads, options),
    threads,
    revive: reviveMergeError,
    next: schedule.next,
    unitOf: ({ orders }) => orders,
    signal,
  });
  for await (const { task, result } of run) await onResult(task, result);
  const digests = await hashes.digests();
  signal.throwIfAborted();
  return { digests, total };
}

function threadsFor(
  { bytesToRead }: Pick<Schedule, "bytesToRead">,
  { threads = availableParallelism(), inlineBytes = INLINE_BYTES }: Pick<RunMergeOptions, "threads" | "inlineBytes">,
): number {
  return bytesToRead <= inlineBytes ? 0 : threads;
}

function setupOf(plan: MergePlan, places: OutputPlaces, threads: number, options: RunMergeOptions): ThreadSetup {
  const share = Math.max(1, threads);
  return {
    seed: plan.seed,
    digests: plan.digests,
    names: plan.names,
    methods: [...new Set(plan.tensors.map(({ method }) => method).filter((name) => methodNamed(name) !== undefined))],
    inputs: plan.inputs,
    outputs: places.outputs.map(({ partial }) => partial),
    memoryBytes: Math.floor((options.memoryBytes ?? MEMORY_BYTES) / share),
    openFiles: Math.max(4, Math.floor(OPEN_FILES / share)),
  };
}

function countAgreeing(spans: readonly Span[], units: readonly Unit[], done: ReadonlySet<number>): Set<number> {
  const agree = units.filter(({ pieces }) => pieces.some(({ span }) => spans[span]!.making.kind === "agree"));
  return new Set(agree.flatMap(({ index }) => (done.has(index) ? [] : [index])));
}

function disagreement(tensors: readonly string[]): MergeError {
  const names = tensors.map((name) => JSON.stringify(name)).join(", ");
  const which = tensors.length > 1 ? `the tensors ${names} hold` : `the tensor ${names} holds`;
  return new MergeError("disagree", `${which} whole numbers that have to agree in all models, and they differ: --exclude leaves them out`, {
    tensor: tensors[0]!,
    tensors,
  });
}

/** @throws MergeError (changed) where an input is not what it was when the merge was planned */
async function checkInputs({ inputs }: MergePlan): Promise<void> {
  for (const input of inputs) {
    const now = await stat(input.path, { bigint: true }).catch((error: unknown) => Promise.reject(readError(error, input.path)));
    checkIdentity(input, now);
  }
}

function createProgress(
  { bytesToRead, skippedBytes }: Schedule,
  spans: readonly Span[],
  units: readonly Unit[],
  done: ReadonlySet<number>,
  onProgress: RunMergeOptions["onProgress"],
): (readBytes: number, plannedBytes: number) => void {
  let all = done.size === 0 ? bytesToRead : createSchedule(spans, units, { done: new Set(), totals: new Map() }).bytesToRead;
  const resumedBytes = all - bytesToRead;
  const passes = 1 + spans.reduce((most, span) => Math.max(most, stepsOf(span).length), 0);
  let readBytes = resumedBytes;
  let saved = 0;
  const tell = () => {
    // What nobody reads is no part of the way.
    all += saved - skippedBytes();
    saved = skippedBytes();
    const pass = Math.min(passes, 1 + Math.floor((passes * readBytes) / Math.max(1, all)));
    onProgress?.({ readBytes: Math.min(readBytes, all), totalBytes: all, resumedBytes, pass, passes });
  };
  tell();
  return (bytes, planned) => {
    readBytes += bytes;
    all += bytes - planned;
    tell();
  };
}
