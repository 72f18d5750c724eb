import { ELEMENT_BYTES } from "#libs/kernels";
import { meanOfWindow } from "../exact/index.ts";
import { BLOCK } from "../method.ts";
import type { Source } from "../plan/types.ts";
import { notFiniteError, requireFinite, requireResults } from "./finite.ts";
import type { Order } from "./order.ts";
import { columnType, type Made, openColumns, outputType, type Workplace, windowFor, writeResults } from "./workplace.ts";

/** Makes a range of Σ weights[k] · x_k / divisor, correctly rounded. @throws MergeError (not-finite, overflow) */
export function makeMean(workplace: Workplace, order: Order, weights: readonly number[], divisor: number | "sum"): Made {
  const { tensor } = order;
  const made: Made = { readBytes: 0, redone: 0 };
  const type = outputType(tensor);
  inWindows(
    workplace,
    order,
    { sources: tensor.models, unchecked: true },
    ({ columns, out, spare, first, count }) => {
      const { kernels } = workplace;
      const room = { undecided: spare, spare: spare + 8 * Math.ceil(count / 2) };
      const common = { inputs: columns.addresses, type: columns.type, out, outType: type, count };
      const { redone, overflowed, notFinite } = meanOfWindow(kernels, { ...common, ...room, weights, divisor });
      if (notFinite) throw notFiniteError(order, first + notFinite.index, notFinite.input, notFinite.value, workplace.names);
      if (overflowed > 0) requireResults(kernels, { type, address: out, first, count }, order);
      made.redone += redone;
    },
    made,
  );
  return made;
}

/** Makes a range of Σ coefficients[k] · x_k, models first, then the base. @throws MergeError (not-finite, overflow) */
export function makeCombination(workplace: Workplace, order: Order, coefficients: readonly number[]): Made {
  const { tensor } = order;
  const made: Made = { readBytes: 0, redone: 0 };
  const type = outputType(tensor);
  const sources = withBase(tensor.models, tensor.base).slice(0, coefficients.length);
  inWindows(
    workplace,
    order,
    { sources, unchecked: true },
    ({ columns, out, first, count }) => {
      const { kernels, names } = workplace;
      kernels.combine({ inputs: columns.addresses, type: columns.type, coefficients, out, outType: type, count });
      // A number that is not finite makes none that is, whatever its coefficient: to look at the results is enough.
      if (kernels.firstNotFinite(type, out, count) < 0) return;
      for (const [k, address] of columns.addresses.entries())
        requireFinite(kernels, { type: columns.type, address, first, count }, order, k, names);
      requireResults(kernels, { type, address: out, first, count }, order);
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
function inWindows(
  workplace: Workplace,
  order: Order,
  { sources, unchecked = false }: { readonly sources: readonly Source[]; readonly unchecked?: boolean },
  compute: (window: Window) => void,
  made: Made,
): void {
  const { kernels } = workplace;
  const { tensor, first: begin, count: all } = order;
  const type = outputType(tensor);
  const perElement = sources.length * ELEMENT_BYTES[columnType(sources, false)] + ELEMENT_BYTES[type] + 4;
  const window = Math.min(all, windowFor(workplace, perElement, BLOCK));
  kernels.release();
  const columns = openColumns(workplace, order, sources, { window, unchecked });
  const out = kernels.allocate(window * ELEMENT_BYTES[type]);
  const spare = kernels.allocate(window * 16);
  for (let first = begin; first < begin + all; first += window) {
    const count = Math.min(window, begin + all - first);
    made.readBytes += columns.load(first, count);
    compute({ columns, out, spare, first, count });
    writeResults(workplace, order, { address: out, first, count }, { unchecked });
  }
}
