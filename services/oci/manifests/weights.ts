import { blobSource } from "#libs/artifacts";
import { annotations, type Descriptor, type Digest, mediaTypes } from "#libs/recipes";
import { type ByteSource, openSafetensors, planSafetensors, SafetensorsError, type TensorLayout } from "#libs/tensors";
import { fewLines, quote } from "#libs/text";
import { readRange } from "../blobs/read-blob.ts";
import { storeBlob } from "../blobs/store-blob.ts";
import type { Catalog } from "../catalog.ts";
import { ociError } from "../errors.ts";
import { filesOfArchive } from "./archive.ts";
import { checkBlob } from "./check-blob.ts";
import type { OciDescriptor, OciManifest } from "./oci-manifest.ts";

const weightTypes = "application/vnd.cncf.model.weight.v1.";
const archiveType = `${weightTypes}tar`;
const extension = ".safetensors";

/** A file of weights in a blob, which may be an archive. */
type WeightsFile = { readonly name: string; readonly blob: Digest; readonly offset: number; readonly size: number };
/** A tensor, and where its bytes are. */
type PlacedTensor = TensorLayout & { readonly blob: Digest; readonly offset: number; readonly size: number };

/**
 * The weights of a ModelPack as the one safetensors file that a model here is: a layer as it is, a file out of an archive, or the tensors of
 * several files in one, byte for byte, which is stored as a blob of its own.
 * @throws HttpError 400 MANIFEST_INVALID for weights that are no safetensors, that are compressed, or that have a tensor twice
 */
export async function modelWeights(catalog: Catalog, { layers }: OciManifest, signal: AbortSignal): Promise<Descriptor> {
  const weights = layers.filter(({ mediaType }) => mediaType.startsWith(weightTypes));
  const strange = weights.find(({ mediaType }) => mediaType !== mediaTypes.weights && mediaType !== archiveType);
  if (weights.length === 0 || strange)
    throw invalid(
      `layers: a model here has its weights in layers of type ${mediaTypes.weights} or ${archiveType}; ${strange ? `there is ${strange.mediaType}` : "none has weights"}`,
    );
  if (weights.length === 1 && weights[0]!.mediaType === mediaTypes.weights) return weights[0]!;
  const files = (await Promise.all(weights.map((layer) => filesOf(catalog, layer, signal)))).flat();
  if (files.length === 0) throw invalid(`layers: the archives of weights have no file that ends in ${extension}`);
  const tensors = await Promise.all(files.map((file) => tensorsOf(catalog, file, signal)));
  const [only] = files;
  const digest = files.length === 1 ? await storePart(catalog, only!, signal) : await storeJoined(catalog, tensors.flat(), signal);
  return { mediaType: mediaTypes.weights, digest, size: (await catalog.sizeOf(digest, signal)) ?? 0 };
}

async function filesOf(catalog: Catalog, layer: OciDescriptor, signal: AbortSignal): Promise<WeightsFile[]> {
  const { digest: blob, size, mediaType, annotations: notes } = layer;
  await checkBlob(catalog, layer, signal);
  if (mediaType === mediaTypes.weights) return [{ name: notes[annotations.modelPath] ?? blob, blob, offset: 0, size }];
  try {
    const files = await filesOfArchive(blobSource(catalog.artifacts, layer, signal));
    return files.filter(({ name }) => name.endsWith(extension)).map((file) => ({ ...file, blob }));
  } catch (error) {
    if (error instanceof RangeError) throw invalid(`layers: the archive ${blob} cannot be read: ${error.message}`);
    throw error;
  }
}

async function tensorsOf(catalog: Catalog, { name, blob, offset, size }: WeightsFile, signal: AbortSignal): Promise<PlacedTensor[]> {
  const whole = blobSource(catalog.artifacts, { digest: blob, size: offset + size }, signal);
  const part: ByteSource = { size, read: (at, length) => whole.read(offset + at, length) };
  try {
    const { header } = await openSafetensors(part);
    return [...header.tensors].map(([tensor, { dtype, shape, begin, end }]) => ({
      ...{ name: tensor, dtype, shape, blob },
      ...{ offset: offset + header.dataOffset + begin, size: end - begin },
    }));
  } catch (error) {
    if (error instanceof SafetensorsError) throw invalid(`layers: ${quote(name)} is no safetensors file: ${error.message}`);
    throw error;
  }
}

async function storePart(catalog: Catalog, { blob, offset, size }: WeightsFile, signal: AbortSignal): Promise<Digest> {
  return (await storeBlob(catalog, readRange(catalog, blob, { offset, length: size }, signal), { size }, signal)) as Digest;
}

async function storeJoined(catalog: Catalog, tensors: readonly PlacedTensor[], signal: AbortSignal): Promise<Digest> {
  const seen = new Set<string>();
  const twice = tensors.filter(({ name }) => seen.size === seen.add(name).size).map(({ name }) => quote(name));
  if (twice.length > 0) throw invalid(`layers: several files have the tensors ${fewLines(twice).join(", ")}`);
  const { header, size, offsets } = planSafetensors(tensors, { format: "pt" });
  const ordered = [...tensors].sort((a, b) => offsets.get(a.name)!.begin - offsets.get(b.name)!.begin);
  async function* bytes() {
    yield header;
    for (const { blob, offset, size: length } of ordered) if (length > 0) yield* readRange(catalog, blob, { offset, length }, signal);
  }
  return (await storeBlob(catalog, bytes(), { size }, signal)) as Digest;
}

function invalid(message: string) {
  return ociError(400, "MANIFEST_INVALID", message);
}
