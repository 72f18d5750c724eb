import { type Metadata, planSafetensors, type TensorLayout, tensorBytes } from "#libs/tensors";
import { INDEX_SUFFIX } from "./shards.ts";

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
  /** How files are called that loaders look for: "model" unless told otherwise. */
  readonly stem?: string | undefined;
  /** Folders below that have a model.safetensors of their own: their tensors are named `folder/name` here, and `name` in that file. */
  readonly folders?: readonly string[] | undefined;
};

/**
 * The index of the shards of a model of which this is one.
 * @example
 * ```ts
 * indexNameOf("model-00001-of-00003.safetensors"); // "model.safetensors.index.json"
 * ```
 */
export function indexNameOf(shard: string): string {
  return `${stemOf(shard)}${INDEX_SUFFIX}`;
}

/**
 * What a file of weights is called without its number among shards, and without its end; of one of PyTorch's, what the same is called as
 * safetensors.
 * @example
 * ```ts
 * stemOf("model-00001-of-00003.safetensors"); // "model"
 * stemOf("pytorch_model.bin"); // "model"
 * ```
 */
export function stemOf(file: string): string {
  const stem = file.replace(/(-\d{5}-of-\d{5})?\.(safetensors|pth|pt|bin|ckpt)$/, "");
  return stem === "pytorch_model" ? "model" : stem === "open_clip_pytorch_model" ? "open_clip_model" : stem;
}

/**
 * Lays out the files of a model as Hugging Face names them: model.safetensors, or model-00001-of-0000N.safetensors with an index. Shards are
 * filled in the order of `tensors`; within a file the order is that of the reference library.
 * Throws RangeError for a name that is used twice or that cannot be.
 * @example
 * ```ts
 * const tensors = ["a", "b", "c"].map((name) => ({ name, dtype: "F32", shape: [10] }) as const);
 * const { outputs, places } = planOutputs(tensors, { maxShardBytes: 80 });
 * outputs.map(({ name }) => name); // ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
 * ["a", "b", "c"].map((name) => places.get(name)?.file); // [0, 0, 1]
 * ```
 */
export function planOutputs(tensors: readonly TensorLayout[], options: OutputOptions = {}): OutputPlan {
  const { maxShardBytes = Number.POSITIVE_INFINITY, single, metadata = { format: "pt" }, stem = "model", folders = [] } = options;
  const folderOf = ({ name }: TensorLayout) => (single === undefined ? folders.find((folder) => name.startsWith(`${folder}/`)) : undefined);
  const own = tensors.filter((tensor) => folderOf(tensor) === undefined);
  const shards = single === undefined ? fill(own, maxShardBytes) : [own];
  const number = (i: number) => String(i).padStart(5, "0");
  const places = new Map<string, { file: number; offset: number }>();
  const plan = (file: number, name: string, layout: readonly TensorLayout[], prefix = ""): PlannedFile => {
    const { header, size, offsets } = planSafetensors(
      layout.map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) })),
      metadata,
    );
    for (const [tensor, { begin }] of offsets) {
      if (places.has(prefix + tensor)) throw new RangeError(`two tensors are named ${JSON.stringify(prefix + tensor)}`);
      places.set(prefix + tensor, { file, offset: begin });
    }
    return { name, size, header };
  };
  const outputs = shards.map((shard, file) => {
    const whole = shards.length === 1 ? `${stem}.safetensors` : `${stem}-${number(file + 1)}-of-${number(shards.length)}.safetensors`;
    return plan(file, single ?? whole, shard);
  });
  const index = shards.length > 1 ? { index: indexText(own, outputs, places) } : {};
  for (const folder of folders) {
    const below = tensors.filter((tensor) => folderOf(tensor) === folder);
    if (below.length > 0) outputs.push(plan(outputs.length, `${folder}/model.safetensors`, below, `${folder}/`));
  }
  return { outputs, places, ...index };
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
