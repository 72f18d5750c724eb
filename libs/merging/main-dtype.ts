import type { Dtype } from "#libs/tensors";
import { isAveraged } from "./compatibility/structure.ts";

/**
 * The type that most of the numbers have that are averaged; of equal ones the first. F32 where there are none.
 * @example
 * ```ts
 * mainDtype([{ dtype: "BF16", elements: 900 }, { dtype: "F32", elements: 100 }, { dtype: "I64", elements: 5000 }]); // "BF16"
 * ```
 */
export function mainDtype(tensors: Iterable<{ readonly dtype: Dtype; readonly elements: number }>): Dtype {
  const counts = new Map<Dtype, number>();
  for (const { dtype, elements } of tensors) if (isAveraged(dtype)) counts.set(dtype, (counts.get(dtype) ?? 0) + elements);
  let main: Dtype = "F32";
  let most = -1;
  for (const [dtype, count] of counts) if (count > most) [main, most] = [dtype, count];
  return main;
}
