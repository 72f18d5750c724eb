import { crc32 } from "node:zlib";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { layerOf, readManifest } from "#libs/recipes";
import { invalidField, parseAmount } from "#libs/rpc";
import { type Box, type ByteSource, boxOf, matchesName, openSafetensors, type TensorEntry } from "#libs/tensors";
import { didYouMean, quote } from "#libs/text";
import type { ReadTensorsRequest, ReadTensorsResponseSchema, TensorSelection, TensorSlice } from "#proto/ratatouille/v1/tensors_pb.ts";
import type { Catalog } from "./catalog.ts";
import { safetensorsLayers } from "./contents.ts";
import { CatalogError } from "./errors.ts";
import { parseArtifactName } from "./requests.ts";

const CHUNK_BYTES = 1 << 20;
/** Between runs so near to each other it is cheaper to read what is not asked for than to read twice. */
const GAP_BYTES = 64 << 10;
const MOST_SELECTIONS = 10_000;
/** Each is compared with the name of every tensor. */
const MOST_PATTERNS = 100;
/** Metadata travel in one message. */
const MOST_METADATA_BYTES = 1 << 20;

type Reply = MessageInitShape<typeof ReadTensorsResponseSchema>;
/** A tensor that is asked for. `start` is where it begins in the blob, in bytes. */
type Selected = { readonly name: string; readonly entry: TensorEntry; readonly start: number; readonly box: Box };

/** Streams tensors of an artifact: see ReadTensors. Memory: two chunks. CatalogError as `get` and `Blobs.open`, TENSOR_NOT_FOUND. */
export async function* readTensors(
  catalog: Pick<Catalog, "get" | "blobs">,
  request: ReadTensorsRequest,
  signal: AbortSignal,
): AsyncGenerator<Reply, void, undefined> {
  const { artifact: name, tensors: selections, describeOnly } = request;
  if (selections.length > MOST_SELECTIONS) throw invalidField("tensors", `at most ${MOST_SELECTIONS}, not ${selections.length}`);
  const artifact = await catalog.get({ ...parseArtifactName("artifact", name), includeDamaged: false, signal });
  const manifest = readManifest(artifact.manifest);
  const layer = safetensorsLayers[manifest.kind];
  if (layer === undefined) throw invalidField("artifact", `${artifact.digest} is a ${manifest.kind}, which has no tensors`);
  const { digest } = layerOf(manifest, layer);
  await using source = await catalog.blobs.open(digest, signal);
  const { header } = await openSafetensors(source);
  const selected = select(header.tensors, selections, header.dataOffset);
  const sizeBytes = BigInt(selected.reduce((sum, { box }) => sum + box.bytes, 0));
  const metadata = fitting(header.metadata);
  yield { part: { case: "header", value: { artifact: artifact.digest, blob: digest, metadata, tensors: selected.length, sizeBytes } } };
  for (const tensor of selected) {
    yield { part: { case: "tensor", value: describe(tensor) } };
    if (describeOnly) continue;
    for await (const data of packed(read(source, tensor, signal), tensor.box.bytes))
      yield { part: { case: "chunk", value: { data, crc32: crc32(data) } } };
  }
}

function describe({ name, entry, start, box }: Selected) {
  return {
    name,
    dtype: entry.dtype,
    shape: box.shape.map(BigInt),
    fullShape: entry.shape.map(BigInt),
    sizeBytes: BigInt(box.bytes),
    blobOffset: BigInt(start),
  };
}

/** In the order of the file. Each as the first selection says that has its name, or else the first that matches it. */
function select(
  tensors: ReadonlyMap<string, TensorEntry>,
  selections: readonly TensorSelection[],
  dataOffset: number,
): readonly Selected[] {
  const chosen = new Map<string, number>();
  for (const [i, { name }] of selections.entries()) if (tensors.has(name) && !chosen.has(name)) chosen.set(name, i);
  let patterns = 0;
  for (const [i, { name }] of selections.entries()) {
    if (tensors.has(name)) continue;
    if (name === "") throw invalidField(`tensors[${i}].name`, "is missing");
    if (++patterns > MOST_PATTERNS) throw invalidField(`tensors[${i}].name`, `at most ${MOST_PATTERNS} of them may be patterns`);
    let some = false;
    for (const tensor of tensors.keys()) {
      if (!matchesName(name, tensor)) continue;
      some = true;
      if (!chosen.has(tensor)) chosen.set(tensor, i);
    }
    if (!some) throw tensorNotFound(`tensors[${i}].name`, name, [...tensors.keys()]);
  }
  const found: Selected[] = [];
  for (const [name, entry] of tensors) {
    const i = chosen.get(name);
    if (i === undefined && selections.length > 0) continue;
    const box = boxOfSlices(name, entry, i ?? 0, selections[i ?? 0]?.slices ?? []);
    found.push({ name, entry, start: dataOffset + entry.begin, box });
  }
  return found;
}

function boxOfSlices(name: string, { dtype, shape }: TensorEntry, selection: number, slices: readonly TensorSlice[]): Box {
  const field = `tensors[${selection}].slices`;
  const asked = slices.map(({ begin, end }, i) => ({
    begin: parseAmount(`${field}[${i}].begin`, begin),
    end: end === undefined ? (shape[i] ?? 0) : parseAmount(`${field}[${i}].end`, end),
  }));
  try {
    return boxOf(dtype, shape, asked);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalidField(field, `tensor ${quote(name)} is ${dtype} [${shape.join(", ")}]: ${error.message}`);
  }
}

function tensorNotFound(field: string, name: string, names: readonly string[]): CatalogError {
  const hint = didYouMean(name, names, `it has ${names.length} tensors; describe_only lists them`);
  return new CatalogError("TENSOR_NOT_FOUND", `${field}: no tensor is ${quote(name)}: ${hint}`, { field, facts: { tensor: quote(name) } });
}

function fitting(metadata: ReadonlyMap<string, string>): { [key: string]: string } {
  let bytes = 0;
  for (const [key, text] of metadata) bytes += Buffer.byteLength(key) + Buffer.byteLength(text);
  return bytes > MOST_METADATA_BYTES ? {} : Object.fromEntries(metadata);
}

/** The bytes of a box, piece by piece. Runs that are near to each other are read together. */
async function* read(source: ByteSource, { start, box }: Selected, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let near: { offset: number; length: number }[] = [];
  for (const run of box.runs()) {
    const [first, last] = [near[0], near.at(-1)];
    const fits =
      first && last && run.offset - (last.offset + last.length) <= GAP_BYTES && run.offset + run.length - first.offset <= CHUNK_BYTES;
    if (fits) near.push(run);
    else {
      yield* readNear(source, start, near, signal);
      near = [run];
    }
  }
  yield* readNear(source, start, near, signal);
}

async function* readNear(
  source: ByteSource,
  start: number,
  runs: readonly { readonly offset: number; readonly length: number }[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const [first, last] = [runs[0], runs.at(-1)];
  if (first === undefined || last === undefined) return;
  const end = last.offset + last.length;
  if (runs.length === 1) {
    for (let at = first.offset; at < end; at += CHUNK_BYTES) {
      signal.throwIfAborted();
      yield await source.read(start + at, Math.min(CHUNK_BYTES, end - at));
    }
    return;
  }
  signal.throwIfAborted();
  const span = await source.read(start + first.offset, end - first.offset);
  for (const { offset, length } of runs) yield span.subarray(offset - first.offset, offset - first.offset + length);
}

/** The same bytes, so many in all, in chunks as large as may be; what is as large already is passed on. */
async function* packed(pieces: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  let chunk = new Uint8Array(0);
  let filled = 0;
  for await (const piece of pieces) {
    if (filled === 0 && (piece.length === CHUNK_BYTES || piece.length === left)) {
      left -= piece.length;
      yield piece;
      continue;
    }
    for (let at = 0; at < piece.length; ) {
      if (filled === 0) chunk = new Uint8Array(Math.min(CHUNK_BYTES, left));
      const part = piece.subarray(at, at + chunk.length - filled);
      chunk.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < chunk.length) continue;
      left -= filled;
      filled = 0;
      yield chunk;
    }
  }
}
