import type { Dtype, SafetensorsHeader, TensorLayout } from "#libs/tensors";

/** Element types whose numbers are averaged. Other types that only count or choose have to agree in all members. */
const AVERAGED: ReadonlySet<Dtype> = new Set(["F64", "F32", "F16", "BF16"]);
const AGREEING: ReadonlySet<Dtype> = new Set(["BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64"]);

/** True for a type whose numbers are averaged, false for one that has to agree. */
export function isAveraged(dtype: Dtype): boolean {
  return AVERAGED.has(dtype);
}

/** One reason for which models cannot be averaged. `problem` names the models by their place in the recipe. */
export type Mismatch = { readonly tensor: string; readonly problem: string };

/**
 * What the models have in common once the excluded tensors are left out, and every tensor that stands in the way:
 * missing somewhere, of another shape or type somewhere, or of a type that has no average.
 */
export function compareLayouts(
  headers: readonly SafetensorsHeader[],
  exclude: ReadonlySet<string>,
): { layout: TensorLayout[]; mismatches: Mismatch[] } {
  const names = [...new Set(headers.flatMap(({ tensors }) => [...tensors.keys()]))].filter((name) => !exclude.has(name)).sort();
  const layout: TensorLayout[] = [];
  const mismatches: Mismatch[] = [];
  for (const tensor of names) {
    const variants = groupVariants(tensor, headers);
    const { dtype, shape } = headers.find(({ tensors }) => tensors.has(tensor))!.tensors.get(tensor)!;
    if (variants.size > 1) {
      const problem = [...variants]
        .map(([variant, models]) => `${variant} in ${models.map((model) => `models[${model}]`).join(", ")}`)
        .join("; ");
      mismatches.push({ tensor, problem });
    } else if (!AVERAGED.has(dtype) && !AGREEING.has(dtype)) {
      mismatches.push({ tensor, problem: `${dtype} cannot be averaged` });
    } else {
      layout.push({ name: tensor, dtype, shape });
    }
  }
  return { layout, mismatches };
}

function groupVariants(tensor: string, headers: readonly SafetensorsHeader[]): Map<string, number[]> {
  const variants = new Map<string, number[]>();
  headers.forEach(({ tensors }, model) => {
    const entry = tensors.get(tensor);
    const variant = entry === undefined ? "missing" : `${entry.dtype} [${entry.shape.join(", ")}]`;
    variants.set(variant, [...(variants.get(variant) ?? []), model]);
  });
  return variants;
}
