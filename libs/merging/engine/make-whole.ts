import { ELEMENT_BYTES } from "#libs/kernels";
import { widen } from "#libs/tensors";
import { BLOCK, type Program, type Values } from "../method.ts";
import type { PlannedTensor, Source } from "../plan/types.ts";
import { MergeError } from "./errors.ts";
import { requireFiniteValues } from "./finite.ts";
import type { Order } from "./order.ts";
import { bytesOf } from "./spans.ts";
import { columnType, type Made, outputType, type Workplace, writeResults } from "./workplace.ts";

/** Makes a tensor, or a piece of one, by a function that wants all of it in memory. @throws MergeError (memory, not-finite, overflow) */
export function makeWhole(workplace: Workplace, order: Order, program: Extract<Program, { kind: "whole" }>): Made {
  const { tensor, first, count } = order;
  const { models, base, statistics = [] } = tensor;
  const type = columnType([...models, ...(base ? [base] : [])], true) as "F32" | "F64";
  let readBytes = 0;
  const sources = [...models, ...(base ? [base] : []), ...statistics];
  const read = (index: number, from: number, elements: number, as: "F32" | "F64", shape?: readonly number[]) => {
    const source = sources[index]!;
    readBytes += bytesOf(source.dtype, elements);
    const values = readValues(workplace, source, from, elements, as);
    requireFiniteValues(values, { first: from, ...(shape ? { shape } : {}) }, order, index, workplace.names);
    return values;
  };
  const own = models.length + (base ? 1 : 0);
  const out = inMemory(tensor, count, () => {
    const all = {
      models: models.map((_, k) => read(k, first, count, type)),
      ...(base ? { base: read(models.length, first, count, type) } : {}),
      ...(tensor.statistics
        ? {
            statistics: statistics.map(({ dtype }, k) => {
              const shape = statisticShape(workplace, tensor);
              const elements = shape.reduce((product, dimension) => product * dimension, 1);
              return read(own + k, 0, elements, dtype === "F64" ? "F64" : "F32", shape);
            }),
          }
        : {}),
    };
    const numbers = new Float64Array(count);
    program.apply(all, numbers, first);
    return numbers;
  });
  return { ...write(workplace, order, out), readBytes };
}

/** Gram matrices of a layer's inputs have a row and a column for each input; other statistics are one for each weight. */
function statisticShape({ methods }: Workplace, { method, shape }: PlannedTensor): readonly number[] {
  const inputs = shape.at(-1) ?? 1;
  return methods.get(method)?.statistics === "gram" ? [inputs, inputs] : shape;
}

function inMemory<T>({ name }: PlannedTensor, count: number, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof RangeError && /alloc|memory|length/i.test(cause.message))) throw cause;
    const why = `tensor ${JSON.stringify(name)} has ${count} numbers, and its method needs all of them in memory at once: ${cause.message}`;
    throw new MergeError("memory", why, { tensor: name }, { cause });
  }
}

function readValues({ inputs }: Workplace, { file, offset, dtype }: Source, first: number, count: number, type: "F32" | "F64"): Values {
  const values = type === "F64" ? new Float64Array(count) : new Float32Array(count);
  const at = offset + bytesOf(dtype, first);
  if (dtype === type) {
    inputs.read(file, at, new Uint8Array(values.buffer), 0, values.byteLength);
    return values;
  }
  for (let from = 0; from < count; from += BLOCK) {
    const part = values.subarray(from, Math.min(count, from + BLOCK));
    const bytes = new Uint8Array(bytesOf(dtype, part.length));
    inputs.read(file, at + bytesOf(dtype, from), bytes, 0, bytes.length);
    widen(dtype, bytes, part);
  }
  return values;
}

function write(workplace: Workplace, order: Order, values: Float64Array): Made {
  const { kernels } = workplace;
  const type = outputType(order.tensor);
  kernels.release();
  const window = Math.min(BLOCK, values.length);
  const wide = kernels.allocate(window * 8);
  const out = kernels.allocate(window * ELEMENT_BYTES[type]);
  for (let from = 0; from < values.length; from += BLOCK) {
    const part = values.subarray(from, from + BLOCK);
    kernels.float64(wide, part.length).set(part);
    kernels.narrow(wide, type, out, part.length);
    writeResults(workplace, order, { address: out, first: order.first + from, count: part.length });
  }
  return { readBytes: 0, redone: 0 };
}
