import type { Json } from "#libs/recipes";
import type { Dtype } from "#libs/tensors";

/** PyTorch's names of the types that averages are written in. */
const torchNames: { readonly [D in Dtype]?: string } = { F64: "float64", F32: "float32", F16: "float16", BF16: "bfloat16" };

/** A configuration for weights of another type. transformers 5 says dtype, before it torch_dtype. */
export function configWith(config: { readonly [name: string]: Json }, dtype: string): { readonly [name: string]: Json } {
  const torch = torchNames[dtype as Dtype];
  // Where the source was loaded from, on somebody's machine.
  const { _name_or_path, ...rest } = config;
  if (torch === undefined) return rest;
  const keys = ["dtype", "torch_dtype"].filter((key) => key in rest);
  return { ...rest, ...Object.fromEntries((keys.length > 0 ? keys : ["torch_dtype"]).map((key) => [key, torch])) };
}

/** The library that loads a model of this configuration, as the hub calls it. */
export function libraryOf(config: { readonly [name: string]: Json } | undefined): string | undefined {
  if (config === undefined) return undefined;
  if ("_diffusers_version" in config) return "diffusers";
  if ("pretrained_cfg" in config) return "timm";
  return "model_type" in config ? "transformers" : undefined;
}
