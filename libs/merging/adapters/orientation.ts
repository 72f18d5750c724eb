import type { ModelFiles } from "#libs/models";
import type { Lora, LoraModule } from "./lora.ts";

/** Models of transformers whose layers are Conv1D, which stores [in, out], and what these layers are called. */
const CONV1D_MODELS = new Set(["gpt2", "openai-gpt", "imagegpt", "decision_transformer"]);
const CONV1D_LAYERS = /(^|\.)(c_attn|c_proj|c_fc|q_attn)\.weight$/;

/**
 * How the products of an adapter lie in the weights of a base. As PEFT has it (`dispatch_default` in src/peft/tuners/lora/layer.py), the layer
 * decides and not fan_in_fan_out: a weight that is the transpose of B · A is one, where only that fits. Square ones are as the kind of the
 * model says, else as the others of this adapter are, else as fan_in_fan_out says.
 * @returns the modules by target, with `transposed` as it is in the base
 */
export function orientedModules({ modules, config }: Lora, base: ModelFiles): ReadonlyMap<string, LoraModule> {
  const type = base.config?.["model_type"];
  const shapes = new Map([...modules].map(([target, module]) => [target, fits(module, base.tensors.get(target)?.shape)]));
  const clear = new Set([...shapes.values()].filter((fit) => fit === "plain" || fit === "transposed"));
  const usual = clear.size === 1 ? clear.has("transposed") : config.fanInFanOut;
  return new Map(
    [...modules].map(([target, module]) => {
      const fit = shapes.get(target);
      if (fit === "plain" || fit === "transposed") return [target, { ...module, transposed: fit === "transposed" }];
      if (fit !== "both") return [target, module];
      const byModel = typeof type === "string" && CONV1D_MODELS.has(type) ? CONV1D_LAYERS.test(target) : undefined;
      return [target, { ...module, transposed: byModel ?? usual }];
    }),
  );
}

/** Which of B · A and its transpose have the shape of a weight. Only matrices can be either; embeddings are always the transpose. */
function fits({ a, b, embedding }: LoraModule, shape: readonly number[] | undefined): "plain" | "transposed" | "both" | "neither" {
  if (embedding || shape?.length !== 2 || a.place.shape.length !== 2) return "neither";
  const plain = shape[0] === b.rows && shape[1] === a.columns;
  const transposed = shape[0] === a.columns && shape[1] === b.rows;
  if (plain && transposed) return "both";
  return plain ? "plain" : transposed ? "transposed" : "neither";
}
