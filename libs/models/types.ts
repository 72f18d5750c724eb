import type { Digest, Json } from "#libs/recipes";
import type { Dtype, SafetensorsHeader, TensorLayout } from "#libs/tensors";

/** The tensors of a file of PyTorch, each in C order as in safetensors. */
export type TorchLayout = {
  /** What tells this reading of the file from another one, in which its tensors have other names: as a shard, for example. */
  readonly key: Digest;
  /** `offset` counts from the beginning of the file. */
  readonly tensors: readonly (TensorLayout & { readonly offset: number; readonly length: number })[];
};

/** One file of a model's weights, as it was when it was opened: safetensors, or a file of PyTorch. */
export type WeightsFile = {
  readonly path: string;
  readonly size: number;
  /** What tells whether a file is still the one that was opened. */
  readonly identity: { readonly device: bigint; readonly inode: bigint; readonly mtimeNs: bigint };
  readonly header: Pick<SafetensorsHeader, "tensors" | "dataOffset">;
  /** Of a file of PyTorch. Its digest is that of the safetensors file that its tensors make, so that it is the same as of its import. */
  readonly torch?: TorchLayout;
  /** What was passed over when it was opened: ends of sentences that begin with its name. */
  readonly notes?: readonly string[];
};

/** Where one tensor lies: in which file of the model, and at which bytes from the beginning of that file. */
export type TensorPlace = {
  readonly file: number;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
};

/** A model that went into another one, and the digest of its weights. */
export type AppliedPart = { readonly model: ModelFiles; readonly digest: Digest };

/** A model in files of this machine: a file of safetensors or PyTorch, or a Hugging Face folder with one or several. Nothing of the weights is in memory. */
export type ModelFiles = {
  /** As the user named it. */
  readonly name: string;
  readonly path: string;
  /** An adapter is a PEFT folder: adapter_config.json beside adapter_model.safetensors. */
  readonly kind: "file" | "folder" | "adapter";
  readonly files: readonly WeightsFile[];
  /** In the order of the files and of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorPlace>;
  /** config.json or adapter_config.json, where there is one. */
  readonly config?: { readonly [name: string]: Json };
  /** The text of that file, where numbers are as somebody wrote them. */
  readonly configText?: string;
  /** Folders below that have weights of their own, the last of `files`: their tensors are called `folder/name`. */
  readonly folders?: readonly string[];
  /** What was passed over when it was opened, one sentence each. */
  readonly notes?: readonly string[];
  /** SPDX identifiers, from the recipe beside it, the model card's front matter, or config.json. Empty if nothing says. */
  readonly licences: readonly string[];
  /** The foundation model that it says it comes from: a digest (recipe) or a hub id (base_model). */
  readonly foundation?: string;
  /** The foundation was imported into the catalog: what it comes from itself nobody has said. */
  readonly foundationImported?: boolean;
  /** What an adapter was applied to, and which: such a model lies in no place of its own. */
  readonly applied?: { readonly base: AppliedPart; readonly adapter: AppliedPart };
  /** Digest of a model of the catalog, where it is one. */
  readonly artifact?: Digest;
};
