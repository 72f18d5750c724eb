import type { ModelFiles } from "#libs/models";

/** Layers that follow one another: the tensors of layer i are named `prefix` + i + "." + something. */
export type Stack = { readonly prefix: string; readonly count: number };

/** What layers are called: model.layers.0, transformer.h.0, bert.encoder.layer.0, encoder.block.0, visual.transformer.resblocks.0. */
const LAYER = /^((?:.*?\.)?(?:layers|layer|h|blocks|block|resblocks)\.)(\d+)\.(.+)$/;

/** The stacks of layers that a model has, by the names of its tensors. Layers within layers belong to the outer ones. */
export function stacksOf({ tensors }: Pick<ModelFiles, "tensors">): Stack[] {
  const counts = new Map<string, number>();
  for (const name of tensors.keys()) {
    const [, prefix, index] = LAYER.exec(name) ?? [];
    if (prefix !== undefined) counts.set(prefix, Math.max(counts.get(prefix) ?? 0, Number(index) + 1));
  }
  return [...counts].map(([prefix, count]) => ({ prefix, count }));
}

/** In which layer a tensor is, and what it is called there; undefined for what is in none. */
export function layerOf(stacks: readonly Stack[], tensor: string): { stack: Stack; index: number; rest: string } | undefined {
  const [, prefix, index, rest] = LAYER.exec(tensor) ?? [];
  const stack = stacks.find((one) => one.prefix === prefix);
  return stack && { stack, index: Number(index), rest: rest! };
}

/** How far a tensor is into the layers, as mergekit's gradients count: 0 for the first and for what is in no layer, 1 for the last. */
export function depthOf(stacks: readonly Stack[], tensor: string): number {
  const found = layerOf(stacks, tensor);
  return found === undefined ? 0 : depth(found.index, found.stack.count);
}

/** Layer `index` of `count`, from 0 to 1. One layer alone is the last, as in mergekit. */
export function depth(index: number, count: number): number {
  return count > 1 ? index / (count - 1) : 1;
}

/** Whether a tensor that is in no layer comes before them (embeddings of tokens, positions and patches), or after (norms and heads). */
export function isBeforeLayers(tensor: string): boolean {
  return /embed|(^|\.)(wte|wpe|cls_token|conv1|ln_pre|pre_layrnorm|rotary_\w+)(\.|$)/.test(tensor) && !/(^|\.)embed_out(\.|$)/.test(tensor);
}
