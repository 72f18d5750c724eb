import type { ModelFiles } from "#libs/models";
import { several } from "./errors.ts";
import { PREFIX } from "./lora.ts";

/** Kinds of factors by the names of their tensors, as the tools write them. */
const KINDS: readonly { readonly kind: string; readonly pattern: RegExp }[] = [
  { kind: "kohya LoRA", pattern: /^lora_(unet|te\d?|transformer|prior)_.+\.(lora_(down|up|mid)\.weight|alpha)$/ },
  { kind: "LoHa", pattern: /\.hada_[wt]\d/ },
  { kind: "LoKr", pattern: /\.lokr_[wt]\d/ },
  { kind: "(IA)³", pattern: /\.ia3_l(\.|$)/ },
  { kind: "MLX LoRA", pattern: /\.lora_[ab]$/ },
  {
    kind: "LoRA of diffusers",
    pattern: /^(unet|transformer|text_encoder(_\d)?|prior)\..+\.(lora_[AB]\.|lora\.(down|up)|lora_linear_layer|processor\..*_lora\.)/,
  },
  { kind: "LoRA", pattern: /(^|[._])lora_?(embedding_)?(A|B|down|up|magnitude_vector|linear_layer)(\.|$)/ },
];

/**
 * What kind of adapter a file of weights is, by the names of its tensors; undefined for a model. Factors in such a file have no configuration
 * beside them, and the mean of factors is not the mean of their products.
 * @example
 * ```ts
 * loraKind(new Map([["lora_unet_mid.lora_down.weight", {}]])); // "kohya LoRA"
 * ```
 */
export function loraKind(tensors: ModelFiles["tensors"]): string | undefined {
  const names = [...tensors.keys()];
  return KINDS.find(({ pattern }) => names.some((name) => pattern.test(name)))?.kind;
}

/** Why files cannot be merged as models that are adapters: one sentence for each kind of them. */
export function loraFileProblems(
  models: readonly Pick<ModelFiles, "name" | "tensors">[],
): { readonly models: readonly string[]; readonly problem: string }[] {
  const kinds = Map.groupBy(models, ({ tensors }) => {
    const kind = loraKind(tensors);
    return kind && `${kind}|${[...tensors.keys()].some((name) => name.startsWith(PREFIX)) ? "peft" : ""}`;
  });
  return [...kinds].flatMap(([key, of]) => {
    if (key === undefined) return [];
    const [kind, peft] = key.split("|");
    const names = of.map(({ name }) => name);
    const way =
      peft === "peft"
        ? "name the folder that has adapter_config.json beside adapter_model.safetensors"
        : "convert first to a PEFT folder, adapter_model.safetensors with adapter_config.json";
    const what = names.length > 1 ? "are adapters" : "is an adapter";
    return [{ models: names, problem: `${several(names)} ${what} (${kind}), whose factors mean nothing one by one: ${way}` }];
  });
}
