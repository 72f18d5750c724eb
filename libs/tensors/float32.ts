import { quote } from "#libs/text";
import { TensorTypeError } from "./errors.ts";
import { loadWeights } from "./weights.ts";
import { type Metadata, writeSafetensors } from "./writer.ts";

/** A float32 tensor in memory, C order. */
export type Float32Tensor = { shape: number[]; data: Float32Array };

/**
 * Reads a whole file whose tensors are all numbers with a fraction, as F32: for networks without buffers of whole numbers (`loadWeights` takes
 * those). The result owns its memory; names are in file order.
 * Throws SafetensorsError for a file that is not valid, TensorTypeError naming a tensor of another type.
 */
export function loadFloat32(bytes: Uint8Array): Map<string, Float32Tensor> {
  const loaded = new Map<string, Float32Tensor>();
  for (const [name, { dtype, shape, data }] of loadWeights(bytes)) {
    if (dtype !== "F32")
      throw new TensorTypeError(`tensor ${quote(name)} is ${dtype}, expected numbers with a fraction (F32, F16 or BF16)`);
    loaded.set(name, { shape: [...shape], data });
  }
  return loaded;
}

/**
 * Writes a whole file of F32 tensors. Throws RangeError where data and shape do not fit.
 * @example
 * ```ts
 * const file = saveFloat32(new Map([["w", { shape: [1, 2], data: Float32Array.of(0.5, -2) }]]), { format: "pt" });
 * loadFloat32(file).get("w"); // { shape: [1, 2], data: Float32Array.of(0.5, -2) }
 * ```
 */
export function saveFloat32(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>,
  metadata?: Metadata,
): Uint8Array {
  const rows = [...tensors].map(([name, { shape, data }]) => {
    return { name, dtype: "F32" as const, shape, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  });
  return writeSafetensors(rows, metadata);
}
