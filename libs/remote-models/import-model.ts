import { createHash } from "node:crypto";
import type { Artifacts } from "#libs/artifacts";
import { labelOf } from "#libs/merged-models";
import { type ModelFiles, SAVED_BY_TORCH, type TensorPlace } from "#libs/models";
import { recogniseNetwork } from "#libs/networks";
import { buildImportedModel, type Digest, importedModelRecipe, mediaTypes } from "#libs/recipes";
import { type ByteSource, bytesSource, fileSource, joinedSource, numbersOf, planSafetensors } from "#libs/tensors";

const CHUNK_BYTES = 1 << 20;

export type ImportOptions = {
  readonly signal: AbortSignal;
  /** Told how many bytes more are on their way. */
  readonly onSent: (bytes: number) => void;
  /** The artifact that the model is said to be fine-tuned from. */
  readonly base?: Digest | undefined;
  /** Where it comes from, for people; what it is called unless given. */
  readonly source?: string | undefined;
};

/**
 * Puts a model of this machine into the catalog, unless it is there, and returns the digest of its manifest. Its recipe is an import: the
 * digest of its weights, its licence, and what it is called, nothing of this machine. Shards become one file, and so do files of PyTorch.
 * Of the file nothing is sent that the catalog has, such as layers that a fine-tuning has not changed.
 * @param digest of the weights, where they are one file
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { openModel, weightsDigest } from "#libs/models";
 * import { saveFloat32 } from "#libs/tensors";
 * import { startCatalog } from "../../services/catalog/testing/system.ts";
 * await using catalog = await startCatalog();
 * const path = catalog.directory.join("soup.safetensors");
 * await writeFile(path, saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]])));
 * const [model, { signal }] = [await openModel(path), new AbortController()];
 * let sent = 0;
 * const onSent = (bytes) => (sent += bytes);
 * const digest = await importModel(model, await weightsDigest(model), catalog.artifacts, { signal, onSent });
 * sent === model.files[0]?.size; // true
 * (await findArtifact(digest, catalog.client, signal)).digest === digest; // true
 * ```
 */
export async function importModel(
  model: ModelFiles,
  digest: Digest,
  artifacts: Artifacts,
  { signal, onSent, base, source = labelOf(model) }: ImportOptions,
): Promise<Digest> {
  if (model.artifact !== undefined) return model.artifact;
  await using content = await contentOf(model);
  const whole = { digest: model.files.length === 1 ? digest : await digestOfSource(content, signal), size: content.size };
  const imported = { weights: whole, licences: model.licences, source, base };
  const known = await artifacts.findByRecipe(importedModelRecipe(imported), { signal });
  if (known) return known.digest as Digest;
  let told = 0;
  const onProgress = (done: number) => {
    onSent(Math.max(0, done - told));
    told = Math.max(told, done);
  };
  await artifacts.uploadFile(content, { mediaType: mediaTypes.weights, digest: whole.digest, signal, onProgress });
  const numbers = numbersOf(model.tensors.values());
  const built = buildImportedModel({ ...imported, architecture: architectureOf(model), ...numbers });
  return (await artifacts.publish(built, { signal })).digest as Digest;
}

/** What a model is: the class, the family or timm's name that its configuration has, or else the network of torchvision or timm with its tensors. */
function architectureOf({ config, tensors }: ModelFiles): string {
  const classes = config?.["architectures"];
  const names = [Array.isArray(classes) ? classes[0] : undefined, config?.["model_type"], config?.["architecture"]];
  const named = names.find((name) => typeof name === "string" && name !== "");
  if (typeof named === "string") return named;
  return recogniseNetwork(new Map([...tensors].map(([name, { shape }]) => [name, shape]))) ?? "unknown";
}

/** The weights as one safetensors file: as they are; of shards, and of what PyTorch has written, the file that has all of their tensors. */
async function contentOf(model: ModelFiles): Promise<ByteSource & AsyncDisposable> {
  const [only] = model.files;
  if (model.files.length === 1 && only!.torch === undefined) return fileSource(only!.path);
  const layout = [...model.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const { header, offsets } = planSafetensors(layout, SAVED_BY_TORCH);
  await using opened = new AsyncDisposableStack();
  const sources: ByteSource[] = [];
  for (const { path } of model.files) sources.push(opened.use(await fileSource(path)));
  const tensors = [...offsets.keys()].map((name) => {
    const { file, offset, length } = model.tensors.get(name) as TensorPlace;
    return { source: sources[file]!, offset, length };
  });
  const joined = joinedSource([{ source: bytesSource(header), offset: 0, length: header.length }, ...tensors]);
  const files = opened.move();
  return { ...joined, [Symbol.asyncDispose]: () => files.disposeAsync() };
}

async function digestOfSource(source: ByteSource, signal: AbortSignal): Promise<Digest> {
  const hash = createHash("sha256");
  for (let at = 0; at < source.size; at += CHUNK_BYTES) {
    signal.throwIfAborted();
    hash.update(await source.read(at, Math.min(CHUNK_BYTES, source.size - at)));
  }
  return `sha256:${hash.digest("hex")}`;
}
