import { quote } from "#libs/text";
import type { Dtype } from "./dtypes.ts";
import { TensorTypeError } from "./errors.ts";
import { parseSafetensorsHeader } from "./header.ts";
import { isWidenable, widen } from "./widen.ts";
import { type Metadata, writeSafetensors } from "./writer.ts";

/** Types of whole numbers, and the array that holds their elements. */
const INTEGERS = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  U16: Uint16Array,
  I16: Int16Array,
  U32: Uint32Array,
  I32: Int32Array,
  U64: BigUint64Array,
  I64: BigInt64Array,
} as const;

type IntegerDtype = keyof typeof INTEGERS;

/** A tensor to compute with, C order: numbers with a fraction are F32. Its type in the file, such as BF16, is `stored`. */
export type FloatTensor = { readonly dtype: "F32"; readonly stored: Dtype; readonly shape: readonly number[]; readonly data: Float32Array };

/** A tensor of whole numbers, such as batch normalisation's `num_batches_tracked`: as it is in the file. */
export type IntegerTensor = {
  [D in IntegerDtype]: {
    readonly dtype: D;
    readonly stored: D;
    readonly shape: readonly number[];
    readonly data: InstanceType<(typeof INTEGERS)[D]>;
  };
}[IntegerDtype];

/** One tensor of a network's weights or buffers. */
export type WeightTensor = FloatTensor | IntegerTensor;

/**
 * A tensor's bytes as numbers. Types with a fraction become F32: BF16, F16 and F8 without loss, F64 rounded to nearest as PyTorch's `load_state_dict`
 * does. Whole numbers stay as they are. The result owns its memory. Throws TensorTypeError for F4, F6, C64 and scales alone (F8_E8M0).
 * @example
 * ```ts
 * const { dtype, stored, data } = weightTensor("w", { dtype: "BF16", shape: [2] }, Uint8Array.of(0x80, 0x3f, 0x00, 0xc0));
 * [dtype, stored, ...data]; // ["F32", "BF16", 1, -2]
 * weightTensor("steps", { dtype: "I64", shape: [] }, Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0)).data[0]; // 7n
 * ```
 */
export function weightTensor(
  name: string,
  { dtype: stored, shape }: { readonly dtype: Dtype; readonly shape: readonly number[] },
  bytes: Uint8Array,
): WeightTensor {
  if (isInteger(stored)) {
    // A copy by constructor: the `slice` of a Buffer is a view.
    const data = new INTEGERS[stored](new Uint8Array(bytes).buffer);
    return { dtype: stored, stored, shape: [...shape], data } as IntegerTensor;
  }
  if (!isWidenable(stored))
    throw new TensorTypeError(`tensor ${quote(name)} is ${stored}, which is not computed with: save it as F32, F16 or BF16`);
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  widen(stored, bytes, data);
  return { dtype: "F32", stored, shape: [...shape], data };
}

function isInteger(dtype: Dtype): dtype is IntegerDtype {
  return Object.hasOwn(INTEGERS, dtype);
}

/**
 * Reads a whole safetensors file as weights: floats as F32, whole numbers as they are. Names are in file order.
 * Throws SafetensorsError for a file that is not valid, TensorTypeError naming a tensor of a type that is not computed with.
 */
export function loadWeights(bytes: Uint8Array): Map<string, WeightTensor> {
  const { tensors, dataOffset } = parseSafetensorsHeader(bytes, bytes.length);
  return new Map(
    [...tensors].map(([name, entry]) => [
      name,
      weightTensor(name, entry, bytes.subarray(dataOffset + entry.begin, dataOffset + entry.end)),
    ]),
  );
}

/**
 * Writes a whole safetensors file of weights: floats as F32, whole numbers as they are. Throws RangeError where data and shape do not fit.
 * @example
 * ```ts
 * const steps = { dtype: "I64", shape: [], data: BigInt64Array.of(7n) } as const;
 * const file = saveWeights(new Map([["bn.num_batches_tracked", steps]]), { format: "pt" });
 * loadWeights(file).get("bn.num_batches_tracked"); // { ...steps, stored: "I64" }
 * ```
 */
export function saveWeights(weights: ReadonlyMap<string, Omit<WeightTensor, "stored">>, metadata?: Metadata): Uint8Array {
  const rows = [...weights].map(([name, { dtype, shape, data }]) => {
    return { name, dtype, shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  });
  return writeSafetensors(rows, metadata);
}
