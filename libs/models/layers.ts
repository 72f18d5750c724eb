import type { ModelFiles } from "./types.ts";

/** A layer of a model, from 0. */
export type LayerOf = { readonly model: ModelFiles; readonly layer: number };

/** Names in config.json of how many layers a model has. */
export const LAYER_COUNTS: readonly string[] = ["num_hidden_layers", "n_layer", "n_layers", "num_layers"];
