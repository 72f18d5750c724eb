import { dtypes } from "#libs/tensors";
import type { Method, Program } from "../method.ts";
import type { MergePlan, PlannedTensor } from "../plan/types.ts";

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

/** How one tensor is made. @throws RangeError for a method that nobody knows, and what the method says of its parameters */
export function makingOf(
  tensor: PlannedTensor,
  { seed, digests }: Pick<MergePlan, "seed" | "digests">,
  methodNamed: (name: string) => Method | undefined,
): Making {
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
