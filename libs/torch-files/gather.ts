import { type ByteSource, tensorBytes } from "#libs/tensors";
import { TorchFileError } from "./errors.ts";
import { elementBytes } from "./storages.ts";
import type { TorchTensor } from "./torch-file.ts";

/** The most that is read at once of a tensor that is not in C order: from its first element to its last. */
const MOST_SPAN_BYTES = 2 ** 31;

/**
 * Whether a tensor's elements lie one behind the other in C order, as in safetensors.
 * @example
 * ```ts
 * isContiguous({ shape: [2, 1, 3], strides: [3, 99, 1] }); // true
 * isContiguous({ shape: [2, 3], strides: [1, 2] }); // false
 * ```
 */
export function isContiguous({ shape, strides }: Pick<TorchTensor, "shape" | "strides">): boolean {
  if (shape.includes(0)) return true;
  let expected = 1;
  return shape.toReversed().every((dimension, i) => {
    const fits = dimension === 1 || strides.at(-1 - i) === expected;
    expected *= dimension;
    return fits;
  });
}

/**
 * The elements of a tensor in C order, whatever its strides are. What lies between its first and its last element is read at once.
 * @throws TorchFileError (limit) where that is beyond 2 GiB
 */
export async function gatherTensor(source: ByteSource, tensor: TorchTensor): Promise<Uint8Array> {
  const { dtype, shape, strides, offset } = tensor;
  const total = tensorBytes(dtype, shape);
  if (total === 0) return new Uint8Array();
  const width = elementBytes(dtype);
  const span = width * shape.reduce((sum, dimension, i) => sum + (dimension - 1) * strides[i]!, 1);
  if (Math.max(span, total) > MOST_SPAN_BYTES)
    throw new TorchFileError(
      "limit",
      `a tensor of the shape [${shape.join(", ")}] is not in C order and spans ${span} bytes: save it with .contiguous()`,
    );
  const bytes = await source.read(offset, span);
  const out = new Uint8Array(total);
  // The runs that lie one behind the other in both.
  let inner = shape.length;
  let run = 1;
  while (inner > 0 && (shape[inner - 1] === 1 || strides[inner - 1] === run)) run *= shape[--inner]!;
  const index = new Array<number>(inner).fill(0);
  for (let to = 0, from = 0; to < total; to += run * width) {
    out.set(bytes.subarray(from * width, (from + run) * width), to);
    for (let axis = inner - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
