import { type Dtype, dtypes } from "#libs/tensors";
import { TorchFileError } from "../errors.ts";
import { GlobalName, PickledTensor, type PickleValue, Storage, Tuple } from "./values.ts";

/** PyTorch itself takes no more. */
const MOST_DIMENSIONS = 64;

/** `_rebuild_tensor(storage, offset, size, stride)`, of version 2 with gradients, hooks and marks of what is computed on reading. */
export function rebuildTyped([storage, offset, size, stride, , , marks]: readonly PickleValue[]): PickledTensor {
  if (!(storage instanceof Storage)) throw silly("a tensor has no storage");
  if (storage.dtype === undefined) throw silly("a tensor does not say its type");
  if (marks instanceof Map && marks.size > 0)
    throw new TorchFileError("tensor", "a tensor is stored conjugated or negated: resolve that before saving it");
  return tensorIn(storage, storage.dtype, storage.begin, offset, size, stride);
}

/** `_rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, marks)`, whose storage has bytes. */
export function rebuildUntyped(
  [storage, offset, size, stride, , , type, marks]: readonly PickleValue[],
  dtypeOf: (name: GlobalName) => Dtype | undefined,
): PickledTensor {
  if (!(storage instanceof Storage)) throw silly("a tensor has no storage");
  const dtype = type instanceof GlobalName ? dtypeOf(type) : undefined;
  if (dtype === undefined)
    throw new TorchFileError(
      "tensor",
      `a tensor is of the type ${type instanceof GlobalName ? type : "that it does not say"}, which is not read`,
    );
  if (marks instanceof Map && marks.size > 0)
    throw new TorchFileError("tensor", "a tensor is stored conjugated or negated: resolve that before saving it");
  const elementBytes = dtypes.get(dtype)!.bits / 8;
  const length = storage.length * (storage.dtype === undefined ? 1 : dtypes.get(storage.dtype)!.bits / 8);
  return tensorIn(new Storage(storage.key, dtype, Math.floor(length / elementBytes)), dtype, 0, offset, size, stride);
}

/** `_rebuild_parameter(data, …)`: a parameter is its tensor. */
export function rebuild([data]: readonly PickleValue[]): PickledTensor {
  if (!(data instanceof PickledTensor)) throw silly("a parameter has no tensor");
  return data;
}

/** `_rebuild_from_type_v2(function, type, args, state)`: a tensor with attributes of its own, which are dropped. */
export function rebuildFromType(
  [callee, type, args]: readonly PickleValue[],
  call: (callee: PickleValue, args: readonly PickleValue[]) => PickleValue,
): PickleValue {
  const isRebuild = callee instanceof GlobalName && /^torch\._utils\._rebuild_(tensor|parameter)/.test(callee.toString());
  const isTensor = type instanceof GlobalName && /^torch\.(Tensor|nn\.parameter\.(Parameter|Buffer))$/.test(type.toString());
  if (!isRebuild || !isTensor || !(args instanceof Tuple)) throw silly("a tensor is made of what makes none");
  return call(callee, args.items);
}

function tensorIn(
  storage: Storage,
  dtype: Dtype,
  begin: number,
  offset: PickleValue | undefined,
  size: PickleValue | undefined,
  stride: PickleValue | undefined,
): PickledTensor {
  const shape = wholeNumbers(size, "shape");
  const strides = wholeNumbers(stride, "strides");
  if (shape.length !== strides.length) throw silly("shape and strides of a tensor do not fit");
  const first = wholeNumbers(new Tuple([offset ?? null]), "offset")[0]!;
  const isEmpty = shape.includes(0);
  const last = isEmpty ? first : shape.reduce((sum, dimension, i) => sum + (dimension - 1) * strides[i]!, first);
  const beyond = isEmpty ? first > storage.length : last >= storage.length;
  if (beyond) throw silly(`a tensor of the shape [${shape.join(", ")}] ends at element ${last} of a storage that has ${storage.length}`);
  return new PickledTensor(storage, dtype, begin + first, shape, strides);
}

function wholeNumbers(value: PickleValue | undefined, what: string): number[] {
  const items = value instanceof Tuple ? value.items : Array.isArray(value) ? value : [Number.NaN];
  if (items.length > MOST_DIMENSIONS)
    throw silly(`the ${what} of a tensor has ${items.length} dimensions, and ${MOST_DIMENSIONS} are the most`);
  return items.map((item) => {
    if (typeof item !== "number" || !Number.isSafeInteger(item) || item < 0)
      throw silly(`the ${what} of a tensor is not of whole numbers of at least 0`);
    return item;
  });
}

function silly(what: string): TorchFileError {
  return new TorchFileError("storage", what);
}
