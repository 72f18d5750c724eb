import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { type Digest, mediaTypes } from "#libs/recipes";
import type { Clients } from "#libs/rpc";
import { bytesSource, saveWeights, type WeightTensor } from "#libs/tensors";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";

/** Tensors by name. */
export type Tensors = ReadonlyMap<string, WeightTensor>;

export type PushOptions = {
  /** SPDX expression; what the model's folder says unless given. */
  readonly licence?: string | undefined;
  /** Where it comes from, for people: 1 to 1,000 characters on one line. Of a path its name unless given. */
  readonly source?: string | undefined;
  /** What kind of network it is, such as "resnet18". Only of bytes and tensors: of a path its configuration says it. */
  readonly architecture?: string | undefined;
  /** Digest of the model that it is a fine-tuning of. */
  readonly base?: Digest | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told how many bytes more are there. */
  readonly onSent?: ((bytes: number) => void) | undefined;
};

/**
 * Puts a model into a catalog, unless it is there, and returns its digest.
 * @param model the path of a file or a Hugging Face folder, the bytes of a safetensors file, or tensors
 * @throws ModelError where a path has no model; RpcError INVALID_ARGUMENT where bytes are none
 */
export async function push(clients: Clients, model: string | Uint8Array | Tensors, options: PushOptions = {}): Promise<Digest> {
  const artifacts = createArtifacts(clients);
  if (typeof model === "string") return pushPath(artifacts, model, options);
  const content = model instanceof Uint8Array ? model : saveWeights(model);
  const { signal, licence = "", source = "memory", architecture = "", base = "", onSent } = options;
  const { digest } = await artifacts.uploadFile(bytesSource(content), { mediaType: mediaTypes.weights, signal });
  onSent?.(content.length);
  const request = { files: [{ digest }], licence, source, architecture, base };
  const { artifact } = await clients.client(CatalogService).importModel(request, { signal });
  return artifact!.digest as Digest;
}

async function pushPath(artifacts: Artifacts, path: string, { licence, source, base, signal, onSent }: PushOptions): Promise<Digest> {
  // With them come all forms of models and what merges them, which others do not wait for.
  const [{ openModel, weightsDigest }, { importModel }] = await Promise.all([import("#libs/models"), import("#libs/remote-models")]);
  const opened = await openModel(path);
  const model = { ...opened, ...(licence === undefined ? {} : { licences: [licence] }) };
  const whole = await weightsDigest(model, signal === undefined ? {} : { signal });
  const how = { base, source, signal: signal ?? new AbortController().signal, onSent: onSent ?? (() => undefined) };
  return importModel(model, whole, artifacts, how);
}
