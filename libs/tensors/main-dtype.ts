import type { Dtype } from "./dtypes.ts";
import { isNarrowable } from "./narrow.ts";

/**
 * The type of most of the floating-point numbers, those of at least 16 bits; of equally many the first. F32 where there are none.
 * @example
 * ```ts
 * mainDtype([{ dtype: "BF16", elements: 900 }, { dtype: "F32", elements: 100 }, { dtype: "I64", elements: 5000 }]); // "BF16"
 * ```
 */
export function mainDtype(tensors: Iterable<{ readonly dtype: Dtype; readonly elements: number }>): Dtype {
  const counts = new Map<Dtype, number>();
  for (const { dtype, elements } of tensors) if (isNarrowable(dtype)) counts.set(dtype, (counts.get(dtype) ?? 0) + elements);
  let main: Dtype = "F32";
  let most = -1;
  for (const [dtype, count] of counts) if (count > most) [main, most] = [dtype, count];
  return main;
}

/**
 * How many numbers a model has, and the type of most of them.
 * @example
 * ```ts
 * numbersOf([{ dtype: "F16", shape: [2, 3] }, { dtype: "I64", shape: [] }]); // { parameterCount: 7, dtype: "F16" }
 * ```
 */
export function numbersOf(tensors: Iterable<{ readonly dtype: Dtype; readonly shape: readonly number[] }>): {
  readonly parameterCount: number;
  readonly dtype: Dtype;
} {
  const counted = Array.from(tensors, ({ dtype, shape }) => ({ dtype, elements: shape.reduce((a, b) => a * b, 1) }));
  return { parameterCount: counted.reduce((sum, { elements }) => sum + elements, 0), dtype: mainDtype(counted) };
}
