import { createHash } from "node:crypto";
import type { Artifacts } from "#libs/artifacts";
import { labelOf } from "#libs/merged-models";
import { type ModelFiles, SAVED_BY_TORCH, type TensorPlace } from "#libs/models";
import { buildImportedModel, type Digest, importedModelRecipe, mediaTypes } from "#libs/recipes";
import { fileSource, numbersOf, planSafetensors } from "#libs/tensors";

const CHUNK_BYTES = 1 << 20;

export type ImportOptions = {
  readonly signal: AbortSignal;
  /** Told how many bytes more are on their way. */
  readonly onSent: (bytes: number) => void;
  /** The artifact that the model is said to be fine-tuned from. */
  readonly base?: Digest | undefined;
};

/**
 * Puts a model of this machine into the catalog, unless it is there, and returns the digest of its manifest. Its recipe is an import: the
 * digest of its weights, its licence, and what it is called, nothing of this machine. Shards become one file, and so do files of PyTorch.
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
  { signal, onSent, base }: ImportOptions,
): Promise<Digest> {
  if (model.artifact !== undefined) return model.artifact;
  const content = contentOf(model, signal);
  const whole = model.files.length === 1 ? { digest, size: content.size } : await described(content.pieces());
  const imported = { weights: whole, licences: model.licences, source: labelOf(model), base };
  const known = await artifacts.findByRecipe(importedModelRecipe(imported), { signal });
  if (known) return known.digest as Digest;
  const weights = await artifacts.upload(counted(content.pieces(), onSent), { mediaType: mediaTypes.weights, signal });
  if (weights.digest !== whole.digest) throw new Error(`${model.name} was changed while it was sent`);
  const numbers = numbersOf(model.tensors.values());
  const built = buildImportedModel({ ...imported, architecture: architectureOf(model), ...numbers });
  return (await artifacts.publish(built, { signal })).digest as Digest;
}

/** What a model is: the class or the family that its configuration names. */
function architectureOf({ config }: ModelFiles): string {
  const classes = config?.["architectures"];
  const name = (Array.isArray(classes) ? classes[0] : undefined) ?? config?.["model_type"];
  return typeof name === "string" && name !== "" ? name : "unknown";
}

/** One safetensors file, in pieces. */
type Content = { readonly size: number; pieces(): AsyncGenerator<Uint8Array, void, undefined> };

/** The weights as one safetensors file: as they are; of shards, and of what PyTorch has written, the file that has all of their tensors. */
function contentOf(model: ModelFiles, signal: AbortSignal): Content {
  const [only] = model.files;
  if (model.files.length === 1 && only!.torch === undefined)
    return { size: only!.size, pieces: () => rangeOf(only!.path, 0, only!.size, signal) };
  const layout = [...model.tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const { header, size, offsets } = planSafetensors(layout, SAVED_BY_TORCH);
  async function* pieces() {
    yield header;
    for (const name of offsets.keys()) {
      const { file, offset, length } = model.tensors.get(name) as TensorPlace;
      yield* rangeOf(model.files[file]!.path, offset, length, signal);
    }
  }
  return { size, pieces };
}

async function* rangeOf(path: string, begin: number, length: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  await using source = await fileSource(path);
  for (let done = 0; done < length; done += CHUNK_BYTES) {
    signal.throwIfAborted();
    yield source.read(begin + done, Math.min(CHUNK_BYTES, length - done));
  }
}

async function* counted(pieces: AsyncIterable<Uint8Array>, onSent: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) {
    onSent(piece.length);
    yield piece;
  }
}

async function described(pieces: AsyncIterable<Uint8Array>): Promise<{ digest: Digest; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    size += piece.length;
  }
  return { digest: `sha256:${hash.digest("hex")}`, size };
}
