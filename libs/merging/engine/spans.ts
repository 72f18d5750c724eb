import { dtypes } from "#libs/tensors";
import type { Method, Program } from "../method.ts";
import { methodNamed } from "../methods/index.ts";
import type { MergePlan, PlannedTensor, Source } from "../plan/types.ts";

/** How tensors are made that are not made by a method, or the method's program. */
export type Making = Program | { readonly kind: "agree" } | { readonly kind: "maximum" };

/**
 * Tensors that are made in one go, as if they were one: a tensor by itself, or several that lie one after the other in all inputs and in
 * the output, and are made alike, number by number. The elements of all of them are counted through.
 */
export type Span = {
  readonly index: number;
  /** The first one: its sources, place and types are those of the span. */
  readonly tensor: PlannedTensor;
  readonly method: Method | undefined;
  readonly making: Making;
  readonly elements: number;
  readonly parts: readonly SpanPart[];
};

/** One tensor of a span, and the element of the span at which it begins. */
export type SpanPart = { readonly name: string; readonly first: number; readonly shape: readonly number[] };

/** What is made in one go, in the order of the output's bytes; tensors without elements are left out. */
export function planSpans(plan: MergePlan): Span[] {
  const spans: (Span & { elements: number; parts: SpanPart[] })[] = [];
  for (const tensor of plan.tensors) {
    if (tensor.elements === 0) continue;
    const making = makingOf(tensor, plan);
    const last = spans.at(-1);
    if (last && continues(last, tensor, making)) {
      last.parts.push({ name: tensor.name, first: last.elements, shape: tensor.shape });
      last.elements += tensor.elements;
      continue;
    }
    const parts = [{ name: tensor.name, first: 0, shape: tensor.shape }];
    spans.push({ index: spans.length, tensor, method: methodNamed(tensor.method), making, elements: tensor.elements, parts });
  }
  return spans;
}

/** How one tensor is made. @throws RangeError for a method that nobody knows, and what the method says of its parameters */
export function makingOf(tensor: PlannedTensor, { seed, digests }: Pick<MergePlan, "seed" | "digests">): Making {
  const { name, shape, method, models, base, statistics, parameters, of } = tensor;
  if (method === "agree" || method === "maximum") return { kind: method };
  const found = methodNamed(method);
  if (found === undefined)
    throw new RangeError(`tensor ${JSON.stringify(name)} wants the method ${JSON.stringify(method)}, which there is none of`);
  return found.program({
    ...{ name, shape, parameters, seed },
    models: models.length,
    hasBase: base !== undefined,
    hasStatistics: statistics !== undefined,
    digests: of === undefined ? digests : of.map((index) => digests[index]!),
  });
}

/** Bytes of so many elements of a type. */
export function bytesOf(dtype: PlannedTensor["dtype"], elements: number): number {
  return (elements * dtypes.get(dtype)!.bits) / 8;
}

function continues(span: Span, next: PlannedTensor, making: Making): boolean {
  const { tensor, elements } = span;
  const follows = (a: Source | undefined, b: Source | undefined) =>
    a === b ||
    (a !== undefined && b !== undefined && a.file === b.file && a.dtype === b.dtype && a.offset + bytesOf(a.dtype, elements) === b.offset);
  return (
    isAlike(span.making, making) &&
    tensor.file === next.file &&
    tensor.dtype === next.dtype &&
    tensor.offset + bytesOf(tensor.dtype, elements) === next.offset &&
    tensor.models.length === next.models.length &&
    follows(tensor.base, next.base) &&
    tensor.models.every((source, k) => follows(source, next.models[k]))
  );
}

function isAlike(a: Making, b: Making): boolean {
  if (a.kind === "mean" && b.kind === "mean") return a.divisor === b.divisor && areEqual(a.weights, b.weights);
  return a.kind === "combine" && b.kind === "combine" && areEqual(a.coefficients, b.coefficients);
}

function areEqual(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
