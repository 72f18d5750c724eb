import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { type ModelFiles, openModel } from "#libs/models";
import { type Digest, digestOf } from "#libs/recipes";
import { type Dtype, type NarrowDtype, narrow, type TensorData, writeSafetensors } from "#libs/tensors";

/** Numbers whose sums need many parts: ties, cancellations, subnormals, the largest. As float32. */
export const hostileFloats: fc.Arbitrary<number> = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -9, max: 9 }).map((n) => n / 8),
  fc.constantFrom(
    0,
    -0,
    1,
    1 + 2 ** -23,
    2 ** -149,
    -(2 ** -149),
    2 ** 120,
    -(2 ** 120),
    2 ** 40,
    -(2 ** 40),
    2 ** -60,
    3.4028234663852886e38,
  ),
);

/** A tensor of a type with these numbers, rounded to it. */
export function tensorOf(name: string, dtype: NarrowDtype, shape: readonly number[], values: ArrayLike<number>): TensorData {
  const numbers = Float64Array.from(values);
  const data = new Uint8Array((numbers.length * { F64: 8, F32: 4, F16: 2, BF16: 2 }[dtype]) | 0);
  narrow(dtype, numbers, data);
  return { name, dtype, shape, data };
}

/** A tensor of 64-bit whole numbers. */
export function integersOf(name: string, values: readonly bigint[], dtype: Dtype = "I64"): TensorData {
  return { name, dtype, shape: [values.length], data: new Uint8Array(BigInt64Array.from(values).buffer) };
}

let written = 0;

/** Writes a model's file and opens it. */
export async function writeModel(directory: string, tensors: readonly TensorData[]): Promise<{ model: ModelFiles; digest: Digest }> {
  const path = join(directory, `model-${written++}.safetensors`);
  const bytes = writeSafetensors(tensors, { format: "pt" });
  await writeFile(path, bytes);
  return { model: await openModel(path), digest: digestOf(bytes) };
}
