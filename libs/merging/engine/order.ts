import type { InputFile, PlannedTensor, SourceNames } from "../plan/types.ts";
import type { SpanPart } from "./spans.ts";

/** What a thread is asked to do with a range of a span. */
export type Order = {
  /** The first tensor of the span: its sources, place and types. */
  readonly tensor: PlannedTensor;
  /** The tensors in the range, and where each begins in the span. */
  readonly parts: readonly SpanPart[];
  /** Elements of the span. */
  readonly elements: number;
  readonly first: number;
  readonly count: number;
  /**
   * write: makes the range. reduce: the reduction of this number, or the dot products of a gram, over the range. all: reduces the whole
   * tensor and makes it.
   */
  readonly task: "write" | "reduce" | "all";
  readonly step: number;
  /** What the reductions before have given. */
  readonly results: readonly unknown[];
  /** Of a gram, where it is known. */
  readonly coefficients?: readonly number[];
};

/** What threads are handed. */
export type Orders = readonly Order[];

/** What comes back for all orders together. */
export type OrdersResult = {
  readonly readBytes: number;
  readonly redone: number;
  /** Tensors of whole numbers that differ between the models. */
  readonly unequal: readonly string[];
  /** Of a reduction: the state (order "any"), or what each block gave. */
  readonly reduced?: unknown;
};

/** What every thread is set up with. */
export type ThreadSetup = {
  readonly seed: number;
  readonly digests: readonly string[];
  readonly names: SourceNames;
  /** Names of the methods that tensors are made by: a thread loads these alone. */
  readonly methods: readonly string[];
  readonly inputs: readonly InputFile[];
  /** Paths of the files that become the outputs. */
  readonly outputs: readonly string[];
  readonly memoryBytes: number;
  readonly openFiles: number;
};
