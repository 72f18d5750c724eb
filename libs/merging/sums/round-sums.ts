import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { type TemporaryFile, temporaryFor, writeTo } from "#libs/files";
import { type PlannedFile, planOutputs } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { placeText, tensorBytes } from "#libs/tensors";
import { frontierOf, hashOutputs } from "../engine/hash-outputs.ts";
import { BLOCK } from "../method.ts";
import { SumsError } from "./errors.ts";
import { expansionOf } from "./expansion.ts";
import { openFiles } from "./files.ts";
import { openSums, type SumsFile } from "./format.ts";
import { keepAgreeing, keepCounters, largestOf } from "./kept.ts";
import { checkUnchanged, type PreparedSums, prepareSums, runUnits, type SumsSources } from "./prepare.ts";
import type { ExactDivisor } from "./round-block.ts";
import type { AverageTarget } from "./sums-thread.ts";
import { type GrowingSums, growSums } from "./write-sums.ts";

/** The average of sums, and of members that are not folded into them yet. */
export type RoundOptions = Omit<SumsSources, "from"> & {
  /** Path of a file of sums. */
  readonly sums?: string | undefined;
  /** A number of at least 1, or the exact sum of the weights. */
  readonly divisor: number | "sum";
  /** Type of the averaged tensors; by default each has that of the members. */
  readonly dtype?: "F32" | "F16" | "BF16" | "F64" | undefined;
  readonly output: {
    readonly directory: string;
    /** Name of the one file; otherwise model.safetensors, or shards of at most `maxShardBytes`. */
    readonly single?: string | undefined;
    readonly maxShardBytes?: number | undefined;
    /** Whether files that exist may be replaced. */
    readonly force?: boolean | undefined;
    readonly fsync?: boolean | undefined;
  };
};

/** What was written, and the text of the index of shards where there are several (it is the caller's to write). */
export type RoundResultFiles = {
  readonly files: readonly { readonly name: string; readonly size: number; readonly digest: Digest }[];
  readonly index?: string;
  readonly readBytes: number;
  /** Numbers that were computed in whole numbers. */
  readonly redone: number;
};

/**
 * Writes the correctly rounded average of all members of sums: the bytes that their average at once has, whatever order they came in.
 * Files appear when they are whole and durable, one after another.
 * @throws SumsError, also where a number of the average is too large for its type
 */
export async function roundSums(options: RoundOptions): Promise<RoundResultFiles> {
  await using rounded = await prepareRounded(options);
  await rounded.publish();
  return rounded.result;
}

/** An average that is written, and not published yet. What is not published is removed. */
export type PreparedRounded = AsyncDisposable & {
  readonly result: RoundResultFiles;
  /** Paths of what is written: what the files are called for now. */
  readonly temporaries: readonly string[];
  publish(): Promise<void>;
};

/** As roundSums, but leaves it to the caller when the files appear. */
export function prepareRounded(options: RoundOptions): Promise<PreparedRounded> {
  return prepare(options, undefined);
}

/** An average and its sums that are written, and not published yet. */
export type PreparedUpdate = PreparedRounded & {
  /** Gives the new sums their name. They are stamped with the digest of the average, which is to be published next. */
  publishSums(): Promise<SumsFile>;
};

/** foldSums to `to` and prepareRounded at once: every block is read once, added to, rounded, and written to both. */
export async function prepareUpdate(options: RoundOptions & { readonly to: string }): Promise<PreparedUpdate> {
  const { to } = options;
  await using stack = new AsyncDisposableStack();
  const temporary = stack.use(await temporaryFor(to, { alone: true }));
  const rounded = stack.use(await prepare(options, temporary.path));
  const owned = stack.move();
  return {
    ...rounded,
    async publishSums() {
      await temporary.publish({ fsync: options.output.fsync ?? true });
      return await openSums(to);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** @param sumsPath where the sums themselves are written as well */
async function prepare(options: RoundOptions, sumsPath: string | undefined): Promise<PreparedRounded> {
  const { sums, members, divisor, dtype, output } = options;
  const prepared = await prepareSums({ ...options, from: sums });
  const { layout, count } = prepared.content;
  if (count === 0) throw new SumsError("member", "there is no average: the sums have no members");
  const tensors = layout.map((tensor) => ({ ...tensor, dtype: tensor.rule === "sum" ? (dtype ?? tensor.dtype) : tensor.dtype }));
  const { single, maxShardBytes } = output;
  const plan = planOutputs(tensors, {
    ...(single === undefined ? {} : { single }),
    ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
  });
  const targets = plan.outputs.map(({ name }) => join(output.directory, name));
  if (!output.force) for (const target of targets) await refuseExisting(target);

  await using stack = new AsyncDisposableStack();
  const temporaries: TemporaryFile[] = [];
  for (const target of targets) temporaries.push(stack.use(await temporaryFor(target, { alone: true })));
  const files = plan.outputs.map((planned, i) => ({ ...planned, path: temporaries[i]!.path }));
  const places = tensors.map(({ name, dtype: type }) => {
    const { file, offset } = plan.places.get(name)!;
    return { file, path: files[file]!.path, offset, dtype: type };
  });
  const average = { outputs: places, divisor: exactDivisor(prepared, divisor), count };
  const growing = sumsPath === undefined ? undefined : growSums(prepared, sumsPath);
  const { digests, ...counts } = await writeRounded(prepared, files, average, growing, options);
  growing?.finish(digests[0]);
  await checkUnchanged(members);
  const { index } = plan;
  const owned = stack.move();
  return {
    result: {
      files: files.map(({ name, size }, i) => ({ name, size, digest: digests[i]! })),
      ...(index === undefined ? {} : { index }),
      ...counts,
    },
    temporaries: temporaries.map(({ path }) => path),
    async publish() {
      for (const temporary of temporaries) await temporary.publish({ fsync: output.fsync ?? true });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type Places = readonly (AverageTarget["outputs"][number] & { readonly file: number })[];

/** Writes all files, the sums among them, and hashes the average beside that. */
async function writeRounded(
  prepared: PreparedSums,
  files: readonly (PlannedFile & { readonly path: string })[],
  average: AverageTarget & { readonly outputs: Places },
  growing: GrowingSums | undefined,
  options: RoundOptions,
) {
  for (const { path, header, size } of files) await writeHeader(path, header, size);
  writeKept(prepared, average.outputs);
  const frontier = frontierOf(
    files.map(({ size }) => size),
    piecesIn(prepared, average.outputs),
  );
  using hashes = hashOutputs(files.map(({ path, size }, i) => ({ path, size, ready: () => frontier.ready(i) })));
  let [redone, readBytes] = [0, 0];
  const onProgress: SumsSources["onProgress"] = (progress) => {
    readBytes = progress.readBytes;
    options.onProgress?.(progress);
  };
  const running = { threads: options.threads, signal: options.signal, onProgress };
  for await (const { index, result } of runUnits(prepared, { sums: growing?.target, average }, running)) {
    redone += result.redone;
    if (result.overflow) throw overflowError(prepared, average.outputs, result.overflow);
    growing?.add(result.patches);
    frontier.add(index);
    hashes.advance();
  }
  return { digests: await hashes.digests(), redone, readBytes };
}

function overflowError(
  { content }: PreparedSums,
  outputs: Places,
  { tensor, element }: { readonly tensor: number; readonly element: number },
): SumsError {
  const { name, shape } = content.layout[tensor]!;
  const why = `the average is too large for ${outputs[tensor]!.dtype}`;
  return new SumsError("overflow", `tensor ${JSON.stringify(name)} has no finite result${placeText(element, shape)}: ${why}`, {
    tensor: name,
  });
}

/** What is not summed is in its place before anything is hashed. */
function writeKept({ content, sums, sources }: PreparedSums, outputs: Places): void {
  using files = openFiles();
  content.layout.forEach((tensor, index) => {
    const { path, offset } = outputs[index]!;
    if (tensor.rule === "agree") keepAgreeing(files, sources, index, (at, bytes) => files.write(path, offset + at, bytes));
    if (tensor.rule === "maximum") files.write(path, offset, largestOf(tensor, keepCounters(files, sources, sums, index)));
  });
}

function piecesIn({ units }: PreparedSums, outputs: Places) {
  return units.flatMap((pieces, unit) =>
    pieces.map(({ tensor, block }) => {
      const { file, offset, dtype } = outputs[tensor]!;
      return { file, begin: offset + tensorBytes(dtype, [BLOCK]) * block, unit };
    }),
  );
}

function exactDivisor({ content }: PreparedSums, divisor: number | "sum"): ExactDivisor {
  if (divisor !== "sum") return expansionOf([divisor]);
  const [leading = 0] = content.weight;
  if (leading === 0) throw new SumsError("weight", "there is no average: the weights add up to 0");
  if (leading < 0 && !content.bothZeros) {
    const why = "and these sums were begun without a weight below 0, so that the sign of zeros is not known";
    throw new SumsError("weight", `the weights add up to ${leading}, ${why}: average all members at once`);
  }
  return content.weight;
}

async function refuseExisting(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) throw Object.assign(new Error(`${path} exists already`), { code: "EEXIST" });
}

async function writeHeader(path: string, header: Uint8Array, size: number): Promise<void> {
  await using file = await open(path, "r+");
  await writeTo(file, header, 0);
  // Tensors without elements at the end, or nothing but them.
  await file.truncate(size);
}
