import { type Metadata, planSafetensors, type TensorLayout, tensorBytes } from "#libs/tensors";

/** A file to be written: its header, ready, and its size. */
export type PlannedFile = { readonly name: string; readonly size: number; readonly header: Uint8Array };

/** Where the tensors of a model will be. */
export type OutputPlan = {
  readonly outputs: readonly PlannedFile[];
  /** Of each tensor: an index into `outputs`, and the first byte there. */
  readonly places: ReadonlyMap<string, { readonly file: number; readonly offset: number }>;
  /** The text of model.safetensors.index.json, where there are several files. */
  readonly index?: string;
};

export type OutputOptions = {
  /** No file has more bytes of tensors, unless one tensor alone has. Without it there is one file. */
  readonly maxShardBytes?: number;
  /** The name of the one file that all goes into, whatever its size. */
  readonly single?: string;
  readonly metadata?: Metadata;
};

/** The index of the shards of a model. */
export const INDEX_NAME = "model.safetensors.index.json";

/**
 * Lays out the files of a model as Hugging Face names them: model.safetensors, or model-00001-of-0000N.safetensors with an index. Shards are
 * filled in the order of `tensors`; within a file the order is that of the reference library.
 * Throws RangeError for a name that is used twice or that cannot be.
 */
export function planOutputs(tensors: readonly TensorLayout[], options: OutputOptions = {}): OutputPlan {
  const { maxShardBytes = Number.POSITIVE_INFINITY, single, metadata = { format: "pt" } } = options;
  const shards = single === undefined ? fill(tensors, maxShardBytes) : [[...tensors]];
  const number = (i: number) => String(i).padStart(5, "0");
  const places = new Map<string, { file: number; offset: number }>();
  const outputs = shards.map((shard, file): PlannedFile => {
    const { header, size, offsets } = planSafetensors(shard, metadata);
    for (const [name, { begin }] of offsets) {
      if (places.has(name)) throw new RangeError(`two tensors are named ${JSON.stringify(name)}`);
      places.set(name, { file, offset: begin });
    }
    const whole = shards.length === 1 ? "model.safetensors" : `model-${number(file + 1)}-of-${number(shards.length)}.safetensors`;
    return { name: single ?? whole, size, header };
  });
  return { outputs, places, ...(shards.length > 1 ? { index: indexText(tensors, outputs, places) } : {}) };
}

function fill(tensors: readonly TensorLayout[], maxBytes: number): TensorLayout[][] {
  const shards: TensorLayout[][] = [[]];
  let used = 0;
  for (const tensor of tensors) {
    const bytes = tensorBytes(tensor.dtype, tensor.shape);
    if (used + bytes > maxBytes && shards.at(-1)!.length > 0) {
      shards.push([]);
      used = 0;
    }
    shards.at(-1)!.push(tensor);
    used += bytes;
  }
  return shards;
}

function indexText(tensors: readonly TensorLayout[], outputs: readonly PlannedFile[], places: OutputPlan["places"]): string {
  const total = tensors.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0);
  const names = tensors.map(({ name }) => name).sort();
  // Pairs, as an object of JavaScript would put names that are numbers first, and lose one called __proto__.
  const pairs = names.map((name) => `    ${JSON.stringify(name)}: ${JSON.stringify(outputs[places.get(name)!.file]!.name)}`);
  return `{\n  "metadata": {\n    "total_size": ${total}\n  },\n  "weight_map": {\n${pairs.join(",\n")}\n  }\n}\n`;
}
