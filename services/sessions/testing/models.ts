import { uint32 } from "#libs/deterministic";
import { type Dtype, narrow, type TensorData, writeSafetensors } from "#libs/tensors";

/** Floating-point numbers as a tensor. */
export function floats(
  name: string,
  dtype: "F32" | "F16" | "BF16" | "F64",
  values: readonly number[],
  shape = [values.length],
): TensorData {
  const data = new Uint8Array(values.length * { F64: 8, F32: 4, F16: 2, BF16: 2 }[dtype]);
  narrow(dtype, Float64Array.from(values), data);
  return { name, dtype, shape, data };
}

/** Whole numbers of a byte as a tensor. */
export function bytes(name: string, dtype: Dtype, ...values: number[]): TensorData {
  return { name, dtype, shape: [values.length], data: Uint8Array.from(values) };
}

/** A number with a random sign, fraction and exponent: sums of such lose bits in f64. */
export function number(seed: number, index: number): number {
  const fraction = uint32(seed, 2 * index) / 2 ** 32 - 0.5;
  return Math.fround(fraction * 2 ** ((uint32(seed, 2 * index + 1) % 80) - 40));
}

/** A model of about `count` numbers that no other seed has; `dtype` is that of its larger tensor. */
export function model(seed: number, count = 300, dtype: "F32" | "F16" | "BF16" = "F32"): Uint8Array {
  const some = (k: number, length: number) =>
    Array.from({ length }, (_, i) => (dtype === "F16" ? (uint32(seed + 1000 * k, i) % 2001) / 1000 - 1 : number(seed + 1000 * k, i)));
  return writeSafetensors([
    floats("body.weight", dtype, some(1, count), [count]),
    floats("body.bias", "F32", some(2, 7)),
    floats("head.scale", "F32", some(3, 1), []),
    floats("head.empty", "F32", [], [0, 3]),
    bytes("labels", "U8", 1, 2, 3),
    { name: "norm.num_batches_tracked", dtype: "I64", shape: [], data: new Uint8Array(new BigInt64Array([BigInt(seed % 100)]).buffer) },
  ]);
}
