import type { ModelFiles, TensorPlace } from "#libs/models";
import type { Dtype } from "#libs/tensors";
import type { AdapterInputs } from "./inputs.ts";
import type { Lora } from "./lora.ts";
import type { AdapterWhole } from "./types.ts";

/** The weighted mean of a tensor that adapters have whole. */
export type WholeMean = { readonly shape: readonly number[]; readonly dtype: Dtype; readonly terms: readonly AdapterWhole[] };

/** What a mean of adapters is made with. */
export type MeanOf = {
  readonly loras: readonly Lora[];
  readonly weights: readonly number[];
  readonly inputs: AdapterInputs;
  readonly problems: string[];
  /** What the base is called, where there is one. */
  readonly base?: string | undefined;
};

/**
 * Σ wᵢ xᵢ / Σ wᵢ of a tensor that adapters have whole, trained or saved under products. Those without it are with the base's, as that is what
 * they leave in place. Undefined where no adapter has it, and where it cannot be made, which is among the problems then.
 */
export function wholeMean(
  name: string,
  of: "saved" | "under",
  { loras, weights, inputs, problems, base }: MeanOf,
  inBase?: { readonly model: ModelFiles; readonly place: TensorPlace },
): WholeMean | undefined {
  const owners = loras.filter((lora) => lora[of].has(name));
  if (owners.length === 0) return undefined;
  const others = loras.filter((lora) => !owners.includes(lora));
  const says = (list: readonly Lora[]) => list.map(({ model }) => model.name).join(", ");
  if (others.length > 0 && inBase === undefined) {
    const why = base === undefined ? "--base names it" : `${base} has none`;
    problems.push(`${name} was trained whole in ${says(owners)}, and in ${says(others)} it is that of the base: ${why}`);
  }
  const total = weights.reduce((a, b) => a + b, 0);
  if (total === 0) problems.push(`the weights sum to 0, so that ${name}, which was trained whole, has no mean`);
  const places = owners.map((lora) => lora[of].get(name)!);
  problems.push(...shapeProblems(name, owners, places, inBase));
  const weightOf = (lora: Lora) => weights[loras.indexOf(lora)]!;
  const terms = owners.map((lora, k) => ({ source: inputs.source(lora.model, places[k]!), coefficient: weightOf(lora) / total }));
  if (others.length > 0 && inBase !== undefined) {
    const rest = others.reduce((sum, lora) => sum + weightOf(lora), 0);
    terms.push({ source: inputs.source(inBase.model, inBase.place), coefficient: rest / total });
  }
  return { shape: places[0]!.shape, dtype: inBase?.place.dtype ?? widest(places.map(({ dtype }) => dtype)), terms };
}

/** Embeddings with more rows than others were made for tokens that were added. */
function* shapeProblems(
  name: string,
  owners: readonly Lora[],
  places: readonly TensorPlace[],
  inBase: { readonly model: ModelFiles; readonly place: TensorPlace } | undefined,
): Generator<string> {
  const found = [
    ...places.map(({ shape }, k) => ({ of: owners[k]!.model.name, shape })),
    ...(inBase ? [{ of: inBase.model.name, shape: inBase.place.shape }] : []),
  ];
  const other = found.find(({ shape }) => shape.join() !== found[0]!.shape.join());
  if (other === undefined) return;
  const each = `${name} is [${found[0]!.shape.join(", ")}] in ${found[0]!.of} and [${other.shape.join(", ")}] in ${other.of}`;
  const rows = found[0]!.shape.length === 2 && other.shape.length === 2 && found[0]!.shape[1] === other.shape[1];
  yield rows ? `${each}: tokens were added to one of them, and rows are not matched by token` : each;
}

/** The type that holds numbers of all these types: F16 and BF16 meet in F32. */
export function widest(types: readonly Dtype[]): Dtype {
  const distinct = new Set(types);
  if (distinct.has("F64")) return "F64";
  return distinct.size === 1 ? types[0]! : "F32";
}
