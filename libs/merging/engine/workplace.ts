import { ELEMENT_BYTES, type ElementType, type Kernels } from "#libs/kernels";
import { type Dtype, widen } from "#libs/tensors";
import type { Method, Values } from "../method.ts";
import type { PlannedTensor, Source, SourceNames } from "../plan/types.ts";
import type { InputFiles, OutputFiles } from "./files.ts";
import { type Elements, requireFinite, requireResults } from "./finite.ts";
import type { Order } from "./order.ts";
import { bytesOf } from "./spans.ts";

/** What a thread works with: kernels with their memory, and files. */
export type Workplace = {
  readonly kernels: Kernels;
  readonly inputs: InputFiles;
  readonly outputs: OutputFiles;
  /** What messages call the sources. */
  readonly names: SourceNames;
  /** Those that tensors are made by, by name. */
  readonly methods: ReadonlyMap<string, Method>;
  /** Bytes of memory that this thread should stay within where it has a choice. */
  readonly memoryBytes: number;
  readonly cancelled: () => boolean;
};

/** What became of a piece. */
export type Made = {
  readBytes: number;
  /** Numbers that were computed in whole numbers. */
  redone: number;
};

/** Windows of some sources in the memory of the kernels, all of one type. */
export type Columns = {
  readonly type: ElementType;
  readonly addresses: readonly number[];
  /** Reads consecutive elements; returns the bytes read. @throws MergeError (not-finite) */
  load(first: number, count: number): number;
  /** What was loaded last, as numbers. For types F32 and F64; void when memory is allocated. */
  values(index: number, count: number): Values;
};

/** How windows of sources are opened. */
export type ColumnsOptions = {
  /** Elements of a window at most. */
  readonly window: number;
  /** Numbers are widened to F32 or F64. */
  readonly wide?: boolean;
  /** Whoever computes finds numbers that are not finite itself. */
  readonly unchecked?: boolean;
};

/**
 * Room for windows of the first sources of an order's tensor: models, then the base, then statistics. Where all have one type that kernels read, and `wide` does not ask for F32 or F64, bytes go from the file
 * to where the kernels read them; else they are widened to F32, or to F64 where one of them is. That is without loss.
 */
export function openColumns(
  { kernels, inputs, names }: Workplace,
  order: Order,
  sources: readonly Source[],
  { window, wide = false, unchecked = false }: ColumnsOptions,
): Columns {
  const type = columnType(sources, wide);
  const addresses = sources.map(() => kernels.allocate(window * ELEMENT_BYTES[type]));
  const isMixed = sources.some(({ dtype }) => dtype !== type);
  const raw = isMixed ? kernels.allocate(window * 8) : 0;
  return {
    type,
    addresses,
    load(first, count) {
      const memory = kernels.bytes(0, kernels.memory.buffer.byteLength);
      let bytes = 0;
      for (let k = 0; k < sources.length; k++) {
        const { file, offset, dtype } = sources[k]!;
        const length = bytesOf(dtype, count);
        const to = dtype === type ? addresses[k]! : raw;
        inputs.read(file, offset + bytesOf(dtype, first), memory, to, length);
        if (dtype !== type) widenInto(kernels, dtype, raw, addresses[k]!, type as "F32" | "F64", count);
        if (!unchecked) requireFinite(kernels, { type, address: addresses[k]!, first, count }, order, k, names);
        bytes += length;
      }
      return bytes;
    },
    values: (index, count) => (type === "F64" ? kernels.float64(addresses[index]!, count) : kernels.float32(addresses[index]!, count)),
  };
}

/** The type that windows of sources have in memory. */
export function columnType(sources: readonly Source[], wide: boolean): ElementType {
  const first = sources[0]!.dtype;
  if (isElementType(first) && sources.every(({ dtype }) => dtype === first) && (!wide || first === "F32" || first === "F64")) return first;
  // Whole numbers of 32 and 64 bits fit into F64 only, as far as they do.
  return sources.some(({ dtype }) => ["F64", "I64", "U64", "I32", "U32"].includes(dtype)) ? "F64" : "F32";
}

/** Whether kernels read a type. */
export function isElementType(dtype: Dtype): dtype is ElementType {
  return Object.hasOwn(ELEMENT_BYTES, dtype);
}

function widenInto(kernels: Kernels, dtype: Dtype, from: number, to: number, type: "F32" | "F64", count: number): void {
  if (isElementType(dtype)) {
    kernels.widen(dtype, from, to, type, count);
    return;
  }
  const out = type === "F64" ? kernels.float64(to, count) : kernels.float32(to, count);
  widen(dtype, kernels.bytes(from, bytesOf(dtype, count)), out);
}

/** The type of what is written. @throws TypeError for one that results cannot be rounded to */
export function outputType({ name, dtype }: PlannedTensor): ElementType {
  if (!isElementType(dtype)) throw new TypeError(`tensor ${JSON.stringify(name)} cannot be written as ${dtype}`);
  return dtype;
}

/** Writes results of an order, which lie at an address as elements of its type. @throws MergeError (overflow, disk) */
export function writeResults(
  { kernels, outputs }: Workplace,
  order: Order,
  { address, first, count }: Omit<Elements, "type">,
  { unchecked = false }: Pick<ColumnsOptions, "unchecked"> = {},
): void {
  const { file, offset } = order.tensor;
  const type = outputType(order.tensor);
  if (!unchecked) requireResults(kernels, { type, address, first, count }, order);
  const memory = kernels.bytes(0, kernels.memory.buffer.byteLength);
  outputs.write(file, offset + bytesOf(type, first), memory, address, bytesOf(type, count));
}

/** Elements of a window: as many as fit into the memory of the thread, and not more than the caches hold. */
export function windowFor({ memoryBytes }: Workplace, bytesPerElement: number, most: number): number {
  const fit = Math.floor(Math.min(memoryBytes, CACHED_BYTES) / bytesPerElement);
  return Math.max(LEAST_WINDOW, Math.min(most, Math.floor(fit / LEAST_WINDOW) * LEAST_WINDOW));
}

// What is read is used at once, while it is still in the second cache.
const CACHED_BYTES = 1 << 21;
const LEAST_WINDOW = 256;
