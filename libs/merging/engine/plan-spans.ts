import { methodNamed } from "../methods/index.ts";
import type { MergePlan, PlannedTensor, Source } from "../plan/types.ts";
import { bytesOf, type Making, makingOf, type Span, type SpanPart } from "./spans.ts";

/** What is made in one go, in the order of the output's bytes; tensors without elements are left out. */
export function planSpans(plan: MergePlan): Span[] {
  const spans: (Span & { elements: number; parts: SpanPart[] })[] = [];
  for (const tensor of plan.tensors) {
    if (tensor.elements === 0) continue;
    const making = makingOf(tensor, plan, methodNamed);
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
