import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { planOutputs } from "#libs/models";
import type { Digest } from "#libs/recipes";
import { SumsError } from "./errors.ts";
import { expansionOf } from "./expansion.ts";
import { openFiles } from "./files.ts";
import { keepAgreeing, keepCounters, largestOf } from "./kept.ts";
import { checkUnchanged, type PreparedSums, prepareSums, runUnits, type SumsSources } from "./prepare.ts";
import type { ExactDivisor } from "./round-block.ts";
import type { RoundResult, RoundSetup } from "./round-thread.ts";
import { type TemporaryFile, temporaryFor } from "./temporary.ts";

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
  /** Numbers that are too large for their type, and became infinite. */
  readonly overflowed: number;
};

/**
 * Writes the correctly rounded average of all members of sums: the bytes that their average at once has, whatever order they came in.
 * Files appear when they are whole and durable, one after another.
 * @throws SumsError
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
export async function prepareRounded(options: RoundOptions): Promise<PreparedRounded> {
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
  for (const target of targets) temporaries.push(stack.use(await temporaryFor(target)));
  const places = tensors.map(({ name, dtype: type }) => {
    const { file, offset } = plan.places.get(name)!;
    return { path: temporaries[file]!.path, offset, dtype: type };
  });
  const counts = await writeRounded(prepared, places, exactDivisor(prepared, divisor), options);
  const files = [];
  for (const [index, { name, size, header }] of plan.outputs.entries()) {
    await writeHeader(temporaries[index]!.path, header, size);
    files.push({ name, size, digest: await digestOfFile(temporaries[index]!.path, options.signal) });
  }
  await checkUnchanged(members);
  const { index } = plan;
  const owned = stack.move();
  return {
    result: { files, ...(index === undefined ? {} : { index }), ...counts },
    temporaries: temporaries.map(({ path }) => path),
    async publish() {
      for (const temporary of temporaries) await temporary.publish({ fsync: output.fsync ?? true });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function writeRounded(prepared: PreparedSums, outputs: RoundSetup["outputs"], divisor: ExactDivisor, options: RoundOptions) {
  const { content, sums, sources } = prepared;
  let [redone, overflowed, readBytes] = [0, 0, 0];
  const onProgress: SumsSources["onProgress"] = (progress) => {
    readBytes = progress.readBytes;
    options.onProgress?.(progress);
  };
  const setup: RoundSetup = { ...sources, outputs, divisor, count: content.count };
  for await (const result of runUnits<RoundResult>(prepared, { ...options, onProgress, module: THREAD, setup })) {
    redone += result.redone;
    overflowed += result.overflowed;
  }
  using files = openFiles();
  content.layout.forEach((tensor, index) => {
    const { path, offset } = outputs[index]!;
    if (tensor.rule === "agree") keepAgreeing(files, sources, index, (at, bytes) => files.write(path, offset + at, bytes));
    if (tensor.rule === "maximum") files.write(path, offset, largestOf(tensor, keepCounters(files, sources, sums, index)));
  });
  return { redone, overflowed, readBytes };
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

const THREAD = new URL("round-thread.ts", import.meta.url);

async function refuseExisting(path: string): Promise<void> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists) throw Object.assign(new Error(`${path} exists already`), { code: "EEXIST" });
}

async function writeHeader(path: string, header: Uint8Array, size: number): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(header, 0, header.length, 0);
  // Tensors without elements at the end, or nothing but them.
  await file.truncate(size);
}

async function digestOfFile(path: string, signal: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal })) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest("hex")}`;
}
