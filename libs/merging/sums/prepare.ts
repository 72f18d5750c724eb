import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { type TensorLayout, tensorBytes } from "#libs/tensors";
import { type PlainError, runInThreads } from "#libs/threads";
import { SumsError, type SumsErrorKind } from "./errors.ts";
import { openSums, type SumsContent, type SumsFile } from "./format.ts";
import { sumsLayout } from "./layout.ts";
import { changeMembers, checkLayout, nobody, type SumMember } from "./members.ts";
import { piecesOf } from "./pieces.ts";
import type { BlockSources, Piece } from "./read-block.ts";
import type { AverageTarget, SumsResult, SumsSetup, SumsTarget } from "./sums-thread.ts";

/** How far a fold or a rounding is, in bytes of sums and members. */
export type SumsProgress = { readonly readBytes: number; readonly totalBytes: number };

/** What sums are made of: a file of sums, members, or both. */
export type SumsSources = {
  /** Path of a file of sums. */
  readonly from?: string | undefined;
  readonly members: readonly SumMember[];
  /** The tensors of the models, for sums that begin. By default those of the first member. */
  readonly layout?: Iterable<TensorLayout> | undefined;
  /** Tensors of members that are left out. */
  readonly exclude?: ReadonlySet<string> | undefined;
  /** Whether the sums list their members by digest, so that none comes twice and none goes that is not there. True by default. */
  readonly list?: boolean | undefined;
  /**
   * Whether members that come later may have weights below zero, so that the weights may add up to less than zero. Sums that begin count
   * all zeros then, as they do where a member has such a weight.
   */
  readonly negativeWeights?: boolean | undefined;
  /** By default as many as there are cores; few numbers are summed without any. Never changes the result. */
  readonly threads?: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: SumsProgress) => void) | undefined;
};

/** Sources that fit together, ready for threads. */
export type PreparedSums = {
  readonly content: SumsContent;
  readonly sums: SumsFile | undefined;
  readonly sources: BlockSources;
  readonly units: Piece[][];
};

/** Opens and checks what is to be summed; reads headers only. @throws SumsError */
export async function prepareSums({
  from,
  members,
  layout: given,
  exclude,
  list = true,
  negativeWeights = false,
}: SumsSources): Promise<PreparedSums> {
  const opened = from === undefined ? undefined : await openSums(from);
  // Of sums without members nothing is left but their layout.
  const sums = opened && opened.count > 0 ? opened : undefined;
  const layout = opened?.layout ?? sumsLayout(given ?? tensorsOf(members, exclude));
  for (const [index, member] of members.entries()) checkLayout(layout, member, index, exclude);
  const bothZeros = sums ? sums.bothZeros : negativeWeights || members.some(({ weight }) => weight < 0);
  const content = { ...changeMembers(sums ?? nobody, members, list), layout, bothZeros };
  const sources: BlockSources = {
    layout,
    bothZeros,
    from: sums && { path: sums.path, offsets: sums.offsets, planes: sums.planes },
    members: members.map(({ model, weight, remove = false }) => ({
      name: model.name,
      weight,
      remove,
      places: layout.map(({ name }) => {
        const { file, offset } = model.tensors.get(name)!;
        return { path: model.files[file]!.path, offset };
      }),
    })),
  };
  return { content, sums, sources, units: piecesOf(layout, sums?.patches ?? []) };
}

function tensorsOf(members: readonly SumMember[], exclude: ReadonlySet<string> | undefined): TensorLayout[] {
  const [first] = members;
  if (first === undefined) throw new SumsError("member", "there is nothing to sum: neither sums nor members are given");
  return [...first.model.tensors].filter(([name]) => !exclude?.has(name)).map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
}

// Starting a thread takes longer than summing this many numbers.
const INLINE_NUMBERS = 1 << 21;

/** Makes prepared sums in threads, unit by unit in whatever order, and writes them where it is told; tells of progress. */
export async function* runUnits(
  { sources, units }: PreparedSums,
  targets: { readonly sums?: SumsTarget | undefined; readonly average?: AverageTarget },
  { threads = availableParallelism(), signal, onProgress }: Pick<SumsSources, "threads" | "signal" | "onProgress">,
): AsyncGenerator<{ index: number; result: SumsResult }, void, undefined> {
  const bytes = units.map((pieces) => pieces.reduce((sum, piece) => sum + bytesOfPiece(sources, piece), 0));
  const totalBytes = bytes.reduce((a, b) => a + b, 0);
  const numbers = units.flat().reduce((sum, { count }) => sum + count, 0) * (sources.members.length + 1);
  const setup: SumsSetup = { ...sources, ...targets };
  const run = { module: THREAD, setup, units, threads: numbers < INLINE_NUMBERS ? 0 : threads, signal, revive };
  let readBytes = 0;
  onProgress?.({ readBytes, totalBytes });
  for await (const done of runInThreads<Piece[], SumsResult>(run)) {
    readBytes += bytes[done.index]!;
    onProgress?.({ readBytes, totalBytes });
    yield done;
  }
}

const THREAD = new URL("sums-thread.ts", import.meta.url);

function bytesOfPiece({ layout, from, members }: BlockSources, { tensor, count, patches }: Piece): number {
  const sums = from ? 8 * count + patches.reduce((sum, { length }) => sum + 8 * length, 0) : 0;
  return sums + members.length * tensorBytes(layout[tensor]!.dtype, [count]);
}

function revive({ name, message, stack, fields }: PlainError): Error {
  if (name === "SumsError") return new SumsError(fields["kind"] as SumsErrorKind, message, fields as { tensor?: string; member?: number });
  return Object.assign(new Error(message), fields, { name, stack });
}

/** @throws SumsError (changed) if a member's file is not the one that was opened any more. */
export async function checkUnchanged(members: readonly SumMember[]): Promise<void> {
  for (const [index, { model }] of members.entries()) {
    for (const { path, size, identity } of model.files) {
      const now = await stat(path, { bigint: true });
      const same =
        now.dev === identity.device && now.ino === identity.inode && now.mtimeNs === identity.mtimeNs && now.size === BigInt(size);
      if (!same) throw new SumsError("changed", `${path} was changed while it was read`, { member: index });
    }
  }
}
