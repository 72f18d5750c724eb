import type { ModelFiles, TensorPlace } from "#libs/models";
import type { Dtype } from "#libs/tensors";
import { isAveraged } from "../compatibility/structure.ts";
import { type LoraModule, productShape } from "./lora.ts";
import { orientedModules } from "./orientation.ts";
import { type TiedHead, tiedHead } from "./tied-head.ts";
import type { AdapterRule, AdapterTerm } from "./types.ts";
import { type MeanOf, wholeMean } from "./whole-mean.ts";

/** A tensor of the result that has no place in a file yet. */
export type Unplaced = { readonly name: string; readonly dtype: Dtype; readonly shape: readonly number[]; readonly rule: AdapterRule };

export type IntoBaseOptions = { readonly dtype: Dtype | undefined; readonly exclude: ReadonlySet<string> };

/** The base with all that the adapters add. `tied` is false where its head gets a tensor of its own. */
export function intoBase(
  base: ModelFiles,
  mean: MeanOf,
  { dtype, exclude }: IntoBaseOptions,
): { readonly tensors: readonly Unplaced[]; readonly tied?: false } {
  const { loras, inputs, problems } = mean;
  const tied = tiedHead(base, loras);
  const modules = loras.map((lora) => orientedModules(lora, tied ? withHead(base, tied) : base));
  const places = new Map([...base.tensors].filter(([name]) => !exclude.has(name)));
  if (tied && !exclude.has(tied.head)) places.set(tied.head, base.tensors.get(tied.embedding)!);

  const tensors = [...places].map(([name, place]): Unplaced => {
    const type = isAveraged(place.dtype) ? (dtype ?? place.dtype) : place.dtype;
    const of = { name, dtype: type, shape: place.shape };
    const source = inputs.source(base, place);
    const terms = loras.flatMap((lora, k): AdapterTerm[] => {
      const module = modules[k]!.get(name);
      if (module === undefined) return [];
      problems.push(...misfits(name, place, module, lora.model.name, base.name));
      const { a, b, scaling, transposed } = module;
      const coefficient = mean.weights[k]! * scaling;
      return [{ a: inputs.factor(lora.model, a), b: inputs.factor(lora.model, b), coefficient, transposed }];
    });
    const saved = wholeMean(name, "saved", mean, { model: base, place });
    if (terms.length > 0 && saved) problems.push(`${name} has products in some adapters and was trained whole in others`);
    if (saved) return { ...of, rule: { kind: "sum", terms: saved.terms } };
    const under = wholeMean(name, "under", mean, { model: base, place })?.terms ?? [{ source, coefficient: 1 }];
    if (terms.length > 0) return { ...of, rule: { kind: "products", base: under, terms } };
    const isSame = type === place.dtype && under.length === 1 && under[0]!.source === source;
    return { ...of, rule: isSame ? { kind: "copy", source } : { kind: "sum", terms: under } };
  });
  problems.push(...missing(base, mean, modules, places, exclude));
  // Heads that the base does not have: they were trained whole, and come along.
  const added = new Set(loras.flatMap(({ saved }) => [...saved.keys()]).filter((name) => !places.has(name) && !exclude.has(name)));
  for (const name of added) {
    const made = wholeMean(name, "saved", mean);
    if (made) tensors.push({ name, dtype: dtype ?? made.dtype, shape: made.shape, rule: { kind: "sum", terms: made.terms } });
  }
  return { tensors, ...(tied && !exclude.has(tied.head) ? { tied: false as const } : {}) };
}

function withHead(base: ModelFiles, { embedding, head }: TiedHead): ModelFiles {
  return { ...base, tensors: new Map([...base.tensors, [head, base.tensors.get(embedding)!]]) };
}

/** What keeps products out of a weight. */
function* misfits(name: string, { dtype, shape }: TensorPlace, module: LoraModule, adapter: string, base: string): Generator<string> {
  const [rows, columns] = productShape(module);
  const across = shape.slice(1).reduce((product, dimension) => product * dimension, 1);
  if (!isAveraged(dtype)) {
    yield `${name} is ${dtype} in ${base}, which products cannot be added to: take the base in F32, F16 or BF16`;
    return;
  }
  if (rows === (shape[0] ?? 1) && columns === across) return;
  const sizes = `${adapter}: ${name} is [${shape.join(", ")}] in ${base}, and its product is [${rows}, ${columns}]`;
  const grown = shape.length === 2 && columns === across && (module.embedding || /(lm_head|embed_out)\.weight$/.test(name));
  yield grown ? `${sizes}: tokens were added, and rows are not matched by token` : sizes;
}

function* missing(
  base: ModelFiles,
  { loras }: MeanOf,
  modules: readonly ReadonlyMap<string, LoraModule>[],
  places: ReadonlyMap<string, TensorPlace>,
  exclude: ReadonlySet<string>,
): Generator<string> {
  for (const [k, { model, under }] of loras.entries()) {
    for (const name of [...modules[k]!.keys(), ...under.keys()]) {
      if (!places.has(name) && !exclude.has(name)) yield `${model.name}: there is no tensor ${JSON.stringify(name)} in ${base.name}`;
    }
  }
}
