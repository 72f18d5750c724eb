import type { ElementType, Kernels } from "#libs/kernels";
import { placeText, widen } from "#libs/tensors";
import type { PlannedTensor, SourceNames } from "../plan/types.ts";
import { MergeError } from "./errors.ts";
import type { Order } from "./order.ts";

/*
 * Numbers that are not finite end a merge, whatever its method: a NaN spreads, or hides where a method chooses, and an infinity times a
 * weight of zero is NaN. Inputs are looked at as they are read, results as they are written.
 */

/** Elements in the memory of kernels. `first` is the place of the first one in the span of the order. */
export type Elements = { readonly type: ElementType; readonly address: number; readonly first: number; readonly count: number };

/** @throws MergeError (not-finite) where a number of a source is NaN or infinite. `source` counts models, then the base, then statistics. */
export function requireFinite(kernels: Kernels, elements: Elements, order: Order, source: number, names: SourceNames): void {
  const at = kernels.firstNotFinite(elements.type, elements.address, elements.count);
  if (at >= 0) throw notFiniteError(order, elements.first + at, source, valueAt(kernels, elements, at), names);
}

/**
 * The same for numbers of one source that lie elsewhere. `shape` is that of the source where it is not the tensor's: of Gram matrices.
 * @throws MergeError (not-finite)
 */
export function requireFiniteValues(
  values: ArrayLike<number>,
  { first, shape }: { readonly first: number; readonly shape?: readonly number[] },
  order: Order,
  source: number,
  names: SourceNames,
): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    const own = shape === undefined ? order : { ...order, parts: [{ ...order.parts[0]!, shape }] };
    throw notFiniteError(own, first + i, source, values[i]!, names);
  }
}

/** @throws MergeError (overflow) where a result is no number of its type: it is too large, or there is none */
export function requireResults(kernels: Kernels, elements: Elements, order: Order): void {
  const at = kernels.firstNotFinite(elements.type, elements.address, elements.count);
  if (at < 0) return;
  const { tensor, element, index } = placeOf(order, elements.first + at);
  const value = valueAt(kernels, elements, at);
  const why = Number.isNaN(value)
    ? "what the method makes of these numbers is no number (NaN)"
    : `the result is too large for ${elements.type}${HINTS[elements.type] ?? ""}`;
  throw new MergeError("overflow", `tensor ${JSON.stringify(tensor)} has no finite result${index}: ${why}`, { tensor, element });
}

/** @throws MergeError (overflow) where the difference of a model and the base is too large, though both are finite */
export function requireDifferences(kernels: Kernels, elements: Elements, order: Order, source: number, names: SourceNames): void {
  const at = kernels.firstNotFinite(elements.type, elements.address, elements.count);
  if (at < 0) return;
  const { tensor, element, index } = placeOf(order, elements.first + at);
  const [model, base] = [source, order.tensor.models.length].map((one) => labelOf(order.tensor, one, names));
  const why = `${model} minus ${base} is too large for ${elements.type}`;
  throw new MergeError("overflow", `tensor ${JSON.stringify(tensor)} has no finite difference${index}: ${why}`, {
    ...{ tensor, element, model: source },
  });
}

/** @throws MergeError (overflow) where sums over a tensor are too large for f64, though all its elements are finite */
export function requireSums(sums: Float64Array, { parts }: Order): void {
  if (sums.every(Number.isFinite)) return;
  const tensor = parts[0]!.name;
  throw new MergeError("overflow", `tensor ${JSON.stringify(tensor)} has numbers whose products are too large for F64`, { tensor });
}

/** The error for a number of a source. `element` counts from the beginning of the span. */
export function notFiniteError(order: Order, element: number, source: number, value: number, names: SourceNames): MergeError {
  const { tensor, element: own, index } = placeOf(order, element);
  const text = `tensor ${JSON.stringify(tensor)} is not finite${index}: ${labelOf(order.tensor, source, names)} has ${value} there`;
  return new MergeError("not-finite", text, { tensor, element: own, model: source });
}

const HINTS: { readonly [type in ElementType]?: string } = {
  F16: ", whose largest number is 65504: write F32 or BF16",
  BF16: ": write F64",
  F32: ": write F64",
};

/** The tensor that an element of a span belongs to, and where in it. */
function placeOf({ parts }: Order, element: number): { tensor: string; element: number; index: string } {
  const { name, first, shape } = parts.findLast((part) => part.first <= element)!;
  return { tensor: name, element: element - first, index: placeText(element - first, shape) };
}

function labelOf({ models, base, of }: PlannedTensor, source: number, names: SourceNames): string {
  const model = (k: number) => of?.[k] ?? k;
  if (source < models.length) return names.models[model(source)] ?? `models[${source}]`;
  if (base !== undefined && source === models.length) return called("base", names.base);
  return called("statistics", names.statistics?.[model(source - models.length - (base === undefined ? 0 : 1))]);
}

/** "the base org/name"; a name that says what it is, such as "statistics[1]", needs no more. */
function called(role: string, name = role): string {
  return name.startsWith(role) && !name.includes(".") ? `the ${name}` : `the ${role} ${name}`;
}

const one = new Float64Array(1);

function valueAt(kernels: Kernels, { type, address }: Elements, index: number): number {
  const bytes = type === "F64" ? 8 : type === "F32" ? 4 : 2;
  widen(type, kernels.bytes(address + index * bytes, bytes), one);
  return one[0]!;
}
