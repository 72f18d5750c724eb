import type { Dtype } from "#libs/tensors";
import type { Unplaced } from "./into-base.ts";
import { type LoraModule, PREFIX } from "./lora.ts";
import { stackedConfig } from "./stacked-config.ts";
import { type MeanOf, wholeMean, widest } from "./whole-mean.ts";

/** One adapter whose products are the weighted sums of the products, and its adapter_config.json. */
export function stacked(
  mean: MeanOf,
  { dtype, exclude }: { readonly dtype: Dtype | undefined; readonly exclude: ReadonlySet<string> },
): { readonly tensors: readonly Unplaced[]; readonly config: string } {
  const { loras, weights, inputs, problems } = mean;
  const kept = (names: readonly string[]) => [...new Set(names)].filter((name) => !exclude.has(name));
  const ranks = new Map<string, number>();
  const tensors: Unplaced[] = [];
  for (const target of kept(loras.flatMap(({ modules }) => [...modules.keys()]))) {
    const parts = loras.flatMap((lora, k) => {
      const module = lora.modules.get(target);
      return module === undefined ? [] : [{ lora, module, coefficient: weights[k]! * module.scaling }];
    });
    const [{ lora: owner, module: first }] = parts as [(typeof parts)[0]];
    for (const { lora, module } of parts) {
      const same = module.a.place.shape.slice(1).join() === first.a.place.shape.slice(1).join() && module.b.rows === first.b.rows;
      if (same && module.embedding === first.embedding) continue;
      const shapes = (of: LoraModule) => `lora_A [${of.a.place.shape.join(", ")}], lora_B [${of.b.place.shape.join(", ")}]`;
      problems.push(`${target} is ${shapes(first)} in ${owner.model.name} and ${shapes(module)} in ${lora.model.name}`);
    }
    const rank = parts.reduce((sum, { module }) => sum + module.rank, 0);
    const module = target.replace(/\.weight$/, "");
    ranks.set(module, rank);
    const type = dtype ?? widest(parts.flatMap(({ module: { a, b } }) => [a.place.dtype, b.place.dtype]));
    const sources = parts.map(({ lora, module: { a } }) => inputs.factor(lora.model, a));
    const terms = parts.map(({ lora, module: { b }, coefficient }) => ({ source: inputs.factor(lora.model, b), coefficient }));
    const [, ...across] = first.a.place.shape;
    const [outputs = 0, , ...kernel] = first.b.place.shape;
    const name = (half: "A" | "B") => `${PREFIX}${module}.${first.embedding ? `lora_embedding_${half}` : `lora_${half}.weight`}`;
    tensors.push({ name: name("A"), dtype: type, shape: [rank, ...across], rule: { kind: "rows", sources } });
    tensors.push({ name: name("B"), dtype: type, shape: [outputs, rank, ...kernel], rule: { kind: "columns", terms } });
  }
  for (const group of ["under", "saved"] as const) {
    for (const name of kept(loras.flatMap((lora) => [...lora[group].keys()]))) {
      const made = wholeMean(name, group, mean);
      if (made === undefined) continue;
      const inner = group === "saved" ? name : name.replace(/\.(\w+)$/, ".base_layer.$1");
      tensors.push({ name: PREFIX + inner, dtype: dtype ?? made.dtype, shape: made.shape, rule: { kind: "sum", terms: made.terms } });
    }
  }
  return { tensors, config: problems.length > 0 ? "" : stackedConfig(loras, ranks, problems) };
}
