import type { ModelFiles } from "#libs/models";
import type { Dtype } from "#libs/tensors";

/** Element types whose numbers are averaged. Other types that only count or choose have to agree in all models. */
const AVERAGED: ReadonlySet<Dtype> = new Set(["F64", "F32", "F16", "BF16"]);
const AGREEING: ReadonlySet<Dtype> = new Set(["BOOL", "U8", "I8", "I16", "U16", "I32", "U32", "I64", "U64"]);

/**
 * True for a type whose numbers are averaged.
 * @example
 * ```ts
 * isAveraged("BF16"); // true
 * isAveraged("I64"); // false
 * ```
 */
export function isAveraged(dtype: Dtype): boolean {
  return AVERAGED.has(dtype);
}

/**
 * True for a type of whole numbers or of truth values: they count or choose, so that they have to agree.
 * @example
 * ```ts
 * isAgreeing("I64"); // true
 * isAgreeing("F8_E4M3"); // false
 * ```
 */
export function isAgreeing(dtype: Dtype): boolean {
  return AGREEING.has(dtype);
}

/** One tensor that stands in the way, and why. `problem` is the end of a sentence and names the models by name. */
export type Mismatch = {
  readonly tensor: string;
  readonly code: "missing" | "shape" | "dtype" | "no-average";
  readonly problem: string;
};

/** What of models is compared: their tensors, and what they are called. */
export type Structure = Pick<ModelFiles, "name" | "tensors">;

/**
 * Every tensor that stands in the way of an average: missing somewhere, of another shape or type somewhere, or of a type that has no
 * average. Sorted by name; empty if the models fit.
 * @param exclude names of tensors that are left out.
 * @param mixedTypes types of floating-point numbers may differ: somebody has said which type the result has.
 * @example
 * ```ts
 * const model = (name, shape) => ({ name, tensors: new Map([["w", { file: 0, dtype: "F32", shape, offset: 0, length: 8 }]]) });
 * compareStructure([model("a", [2]), model("b", [2])]); // []
 * compareStructure([model("a", [2]), model("b", [1, 2])]).map(({ tensor, code }) => [tensor, code]); // [["w", "shape"]]
 * ```
 */
export function compareStructure(
  models: readonly Structure[],
  { exclude, mixedTypes = false }: { readonly exclude?: ReadonlySet<string> | undefined; readonly mixedTypes?: boolean } = {},
): Mismatch[] {
  const names = new Set(models.flatMap(({ tensors }) => [...tensors.keys()]));
  const mismatches: Mismatch[] = [];
  for (const tensor of [...names].sort()) {
    if (exclude?.has(tensor)) continue;
    const mismatch = compareTensor(models, tensor, mixedTypes);
    if (mismatch) mismatches.push(mismatch);
  }
  return mismatches;
}

function compareTensor(models: readonly Structure[], tensor: string, mixedTypes: boolean): Mismatch | undefined {
  const places = models.map(({ tensors }) => tensors.get(tensor));
  const shapes = groupBy(places, (place) => (place === undefined ? "missing" : `[${place.shape.join(", ")}]`));
  const types = groupBy(places, (place) => place?.dtype ?? "missing");
  const dtypes = [...types.keys()].filter((type): type is Dtype => type !== "missing");
  const tolerated = mixedTypes && dtypes.every(isAveraged);
  const say = (code: Mismatch["code"], groups: ReadonlyMap<string, readonly number[]>): Mismatch => {
    const problem = [...groups].map(([variant, indices]) => `${variant} in ${indices.map((i) => models[i]!.name).join(", ")}`).join("; ");
    return { tensor, code, problem };
  };
  const both = () => groupBy(places, (place) => (place === undefined ? "missing" : `${place.dtype} [${place.shape.join(", ")}]`));
  if (shapes.has("missing")) return say("missing", both());
  if (shapes.size > 1) return say("shape", both());
  if (types.size > 1 && !tolerated) return say("dtype", both());
  const without = dtypes.find((dtype) => !isAveraged(dtype) && !isAgreeing(dtype));
  return without && { tensor, code: "no-average", problem: `${without} cannot be averaged` };
}

/** Indices by what a function says of each, in order of first appearance. */
function groupBy<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  values.forEach((value, index) => {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group) group.push(index);
    else groups.set(key, [index]);
  });
  return groups;
}
