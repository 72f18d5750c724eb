import { ELEMENT_BYTES } from "#libs/kernels";
import { meanOfWindow } from "../exact/index.ts";
import { BLOCK } from "../method.ts";
import type { Source } from "../plan/types.ts";
import { MergeError } from "./errors.ts";
import type { Order } from "./order.ts";
import { bytesOf } from "./spans.ts";
import { columnType, countInfinities, type Made, openColumns, outputType, type Workplace, windowFor } from "./workplace.ts";

/** Makes a range of Σ weights[k] · x_k / divisor, correctly rounded. @throws MergeError (not-finite) */
export function makeMean(workplace: Workplace, order: Order, weights: readonly number[], divisor: number | "sum"): Made {
  const { tensor, parts } = order;
  const made: Made = { readBytes: 0, redone: 0, overflowed: 0 };
  const type = outputType(tensor);
  inWindows(
    workplace,
    order,
    tensor.models,
    ({ columns, out, spare, first, count }) => {
      const { kernels } = workplace;
      const room = { undecided: spare, spare: spare + 8 * Math.ceil(count / 2) };
      const common = { inputs: columns.addresses, type: columns.type, out, outType: type, count };
      const { redone, overflowed, notFinite } = meanOfWindow(kernels, { ...common, ...room, weights, divisor });
      if (notFinite) throw notFiniteError(parts, first + notFinite.index, notFinite.input, notFinite.value);
      made.redone += redone;
      made.overflowed += overflowed;
    },
    made,
  );
  return made;
}

/** Makes a range of Σ coefficients[k] · x_k, models first, then the base. */
export function makeCombination(workplace: Workplace, order: Order, coefficients: readonly number[]): Made {
  const { tensor } = order;
  const made: Made = { readBytes: 0, redone: 0, overflowed: 0 };
  const type = outputType(tensor);
  const sources = withBase(tensor.models, tensor.base).slice(0, coefficients.length);
  inWindows(
    workplace,
    order,
    sources,
    ({ columns, out, count }) => {
      const { kernels } = workplace;
      kernels.combine({ inputs: columns.addresses, type: columns.type, coefficients, out, outType: type, count });
      made.overflowed += countInfinities(kernels, type, out, count);
    },
    made,
  );
  return made;
}

export function withBase(models: readonly Source[], base: Source | undefined): readonly Source[] {
  return base === undefined ? models : [...models, base];
}

type Window = {
  readonly columns: ReturnType<typeof openColumns>;
  readonly out: number;
  /** Address of room for 16 bytes for each element. */
  readonly spare: number;
  readonly first: number;
  readonly count: number;
};

/** Reads, computes and writes a range, window by window. Where a window begins changes nothing. */
function inWindows(workplace: Workplace, order: Order, sources: readonly Source[], compute: (window: Window) => void, made: Made): void {
  const { kernels, outputs } = workplace;
  const { tensor, first: begin, count: all } = order;
  const type = outputType(tensor);
  const perElement = sources.length * ELEMENT_BYTES[columnType(sources, false)] + ELEMENT_BYTES[type] + 4;
  const window = Math.min(all, windowFor(workplace, perElement, BLOCK));
  kernels.release();
  const columns = openColumns(workplace, sources, window);
  const out = kernels.allocate(window * ELEMENT_BYTES[type]);
  const spare = kernels.allocate(window * 16);
  for (let first = begin; first < begin + all; first += window) {
    const count = Math.min(window, begin + all - first);
    made.readBytes += columns.load(first, count);
    compute({ columns, out, spare, first, count });
    const memory = kernels.bytes(0, kernels.memory.buffer.byteLength);
    outputs.write(tensor.file, tensor.offset + bytesOf(type, first), memory, out, bytesOf(type, count));
  }
}

/** Which number of which model is not finite. `element` counts from the beginning of the span that the parts belong to. */
function notFiniteError(parts: Order["parts"], element: number, model: number, value: number): MergeError {
  const part = parts.findLast(({ first }) => first <= element)!;
  const place = { tensor: part.name, element: element - part.first, model };
  return new MergeError(
    "not-finite",
    `tensor ${JSON.stringify(part.name)} is not finite at element ${place.element}: models[${model}] has ${value} there`,
    place,
  );
}
