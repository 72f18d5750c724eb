import { planSafetensors, type TensorLayout } from "#libs/tensors";
import { isAgreeing, isAveraged } from "../compatibility/index.ts";
import { SumsError } from "./errors.ts";

/** What is kept of a tensor: the sum; the bytes, which all members have to share; or every member's numbers, of which the largest count. */
export type SumRule = "sum" | "agree" | "maximum";

/** One tensor of the models that are summed, with the type that they have. */
export type SumTensor = TensorLayout & { readonly rule: SumRule };

/** What the names of tensors begin with that a file of sums has beside those of the models. */
const RESERVED = "ratatouille.sums.";

/** Names of tensors of whole numbers that only count, so that the largest is right. */
function isCounter(name: string): boolean {
  return name === "num_batches_tracked" || name.endsWith(".num_batches_tracked");
}

/**
 * What is kept of models with these tensors, in the order of a safetensors file of them.
 * @throws SumsError (layout) for F64, whose products need more than two doubles, and for types without an average.
 * @example
 * ```ts
 * const tensors = [{ name: "norm.num_batches_tracked", dtype: "I64", shape: [] }, { name: "w", dtype: "BF16", shape: [2] }] as const;
 * sumsLayout(tensors).map(({ name, rule }) => `${name}: ${rule}`); // ["norm.num_batches_tracked: maximum", "w: sum"]
 * ```
 */
export function sumsLayout(tensors: Iterable<TensorLayout>): SumTensor[] {
  const byName = new Map([...tensors].map(({ name, dtype, shape }) => [name, { name, dtype, shape: [...shape] }]));
  return [...planSafetensors([...byName.values()]).offsets.keys()].map((name) => {
    const tensor = byName.get(name)!;
    if (tensor.dtype === "F64") {
      throw new SumsError("layout", `tensor ${JSON.stringify(name)} is F64; exact sums are kept of F32, F16 and BF16 only`, {
        tensor: name,
      });
    }
    if (name.startsWith(RESERVED))
      throw new SumsError("layout", `no tensor may be named ${JSON.stringify(name)}: exact sums are kept under that name`, {
        tensor: name,
      });
    if (isAveraged(tensor.dtype)) return { ...tensor, rule: "sum" };
    if (isAgreeing(tensor.dtype)) return { ...tensor, rule: tensor.dtype !== "BOOL" && isCounter(name) ? "maximum" : "agree" };
    throw new SumsError("layout", `tensor ${JSON.stringify(name)} is ${tensor.dtype}, which cannot be averaged`, { tensor: name });
  });
}

/** Numbers of a tensor. */
export function elementsOf({ shape }: { readonly shape: readonly number[] }): number {
  return shape.reduce((a, b) => a * b, 1);
}
