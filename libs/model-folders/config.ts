import {
  everywhere,
  isPart,
  type LayerOf,
  type ModelFiles,
  mapped,
  parseWritten,
  textOfWritten,
  type WrittenObject,
  withTying,
} from "#libs/models";
import type { Json } from "#libs/recipes";
import { type Dtype, dtypes } from "#libs/tensors";
import { withLayers } from "./config-layers.ts";

/** PyTorch's names of the types that averages are written in. */
const TORCH_NAMES: { readonly [D in Dtype]?: string } = { F64: "float64", F32: "float32", F16: "float16", BF16: "bfloat16" };

/** What of a configuration follows from what was merged. */
export type ConfigChanges = {
  /** The type of most numbers, as safetensors spells it. */
  readonly dtype: string;
  /** All numbers were converted to that type. */
  readonly converted?: boolean;
  /** Whether the head is the embedding; left out where that is as it was. */
  readonly tied?: boolean | undefined;
  /** Which layer of which model each layer of the result is from, where layers were stacked. */
  readonly layers?: readonly LayerOf[] | undefined;
};

/**
 * The text of a model's config.json for what was made of it. Everything else stays as it was written, `4.0` and 9007199254740993 too.
 * @returns notes: what was left out, one sentence each
 * @throws SyntaxError where the text of the model's is not JSON
 * @example
 * ```ts
 * const model = { name: "a", tensors: new Map(), configText: '{"model_type": "llama", "torch_dtype": "float32", "rope_theta": 1e4}' };
 * const { text } = mergedConfig(model, { dtype: "BF16" });
 * text; // '{\n  "model_type": "llama",\n  "torch_dtype": "bfloat16",\n  "rope_theta": 1e4\n}\n'
 * ```
 */
export function mergedConfig(model: ModelFiles, changes: ConfigChanges): { readonly text: string; readonly notes: readonly string[] } {
  const notes: string[] = [];
  let config = parseWritten(model.configText ?? "{}") as WrittenObject;
  // Where the source was loaded from, on somebody's machine.
  config = everywhere(config, without("_name_or_path"));
  config = withTypes(config, changes);
  if (!isQuantised(model)) {
    const before = textOfWritten(config);
    config = everywhere(config, without("quantization_config"));
    if (textOfWritten(config) !== before)
      notes.push(`config.json of ${model.name}: quantization_config is left out, as the weights are not quantised.`);
  }
  if (changes.tied !== undefined) config = withTying(config, changes.tied);
  if (changes.layers !== undefined) config = withLayers(config, model, changes.layers, notes);
  return { text: textOfWritten(config), notes };
}

/**
 * The library that loads a model of this configuration, as the hub calls it.
 * @example
 * ```ts
 * libraryOf({ model_type: "llama" }); // "transformers"
 * libraryOf({ _diffusers_version: "0.30.0" }); // "diffusers"
 * ```
 */
export function libraryOf(config: { readonly [name: string]: Json } | undefined): string | undefined {
  if (config === undefined) return undefined;
  if ("_diffusers_version" in config) return "diffusers";
  if ("pretrained_cfg" in config) return "timm";
  return "model_type" in config ? "transformers" : undefined;
}

/** Whether weights are stored in a type that needs a quantisation_config to be read: whole numbers, or floats of 8 bits and fewer. */
function isQuantised({ tensors }: ModelFiles): boolean {
  return [...tensors].some(([name, { dtype, shape }]) => {
    const isFloat = TORCH_NAMES[dtype] !== undefined;
    return (
      !isFloat && shape.length > 0 && (/(^|[._])(weight|qweight|qzeros|packed|blocks)(\.|$|_)/.test(name) || dtypes.get(dtype)!.bits < 8)
    );
  });
}

/** transformers 5 says dtype, before it torch_dtype; parts of several towers have their own. */
function withTypes(config: WrittenObject, { dtype, converted = false }: ConfigChanges): WrittenObject {
  const torch = TORCH_NAMES[dtype as Dtype];
  if (torch === undefined) return config;
  const keys = ["dtype", "torch_dtype"];
  const before = keys.map((key) => config[key]).find((value) => typeof value === "string");
  const set = (object: WrittenObject, top: boolean): WrittenObject =>
    mapped(object, (key, value) =>
      keys.includes(key) && typeof value === "string" && (top || converted || value === before) ? torch : value,
    );
  const nested = mapped(config, (_, value) => (isPart(value) ? everywhere(value, (part) => set(part, false)) : value));
  const changed = set(nested, true);
  // Others than transformers have no such field.
  return keys.some((key) => key in changed) || !("model_type" in changed) ? changed : { ...changed, torch_dtype: torch };
}

function without(key: string): (part: WrittenObject) => WrittenObject {
  return (part) => Object.fromEntries(Object.entries(part).filter(([name]) => name !== key));
}
