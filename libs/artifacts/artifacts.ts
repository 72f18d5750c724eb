import { createHash } from "node:crypto";
import { type BuiltManifest, type Descriptor, type Digest, digestOf, mediaTypes, type Recipe, recipeKey } from "#libs/recipes";
import { type Clients, dataLoss, internal, type RpcError, type ServiceClient } from "#libs/rpc";
import { transfers } from "#libs/telemetry/measures";
import type { ByteSource } from "#libs/tensors";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { calling, streaming } from "./calls.ts";
import { createFinder } from "./finder.ts";
import { type RemoteTensor, readTensors, type TensorSelection } from "./tensors.ts";
import { type UploadOptions, uploadFile } from "./upload-file.ts";

/** Bytes of a chunk on the wire. */
const CHUNK_BYTES = 1 << 20;
/** What may travel with a manifest. */
const CARRIED_BYTES = 2 << 20;

type Options = { readonly signal?: AbortSignal | undefined };

/** The catalog as its users see it: artifacts by recipe or digest, blobs in and out. */
export type Artifacts = {
  /** The artifact that a recipe has made, or undefined. A damaged one does not count. */
  findByRecipe(recipe: Recipe, options?: Options): Promise<Artifact | undefined>;
  /** An artifact by digest. @throws RpcError NOT_FOUND */
  get(digest: string, options?: Options): Promise<Artifact>;
  /**
   * Stores a blob and returns its descriptor. Bytes that are in memory are announced by digest, which is found where it is not given, and
   * refused if they arrive changed.
   */
  upload(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: Options & {
      readonly mediaType: string;
      readonly annotations?: { readonly [name: string]: string };
      readonly digest?: Digest;
    },
  ): Promise<Descriptor>;
  /**
   * Stores what can be read by position, such as a file, and returns its descriptor. Nothing is sent that is there, and what breaks goes on
   * where it was: see upload-file.ts.
   */
  uploadFile(source: ByteSource, options: UploadOptions): Promise<Descriptor>;
  /** A whole blob in memory, its sha-256 checked. @throws RpcError NOT_FOUND, DATA_LOSS */
  download(digest: string, options?: Options): Promise<Uint8Array>;
  /** A whole blob as a stream of chunks. @throws RpcError NOT_FOUND, DATA_LOSS */
  stream(digest: string, options?: Options): AsyncIterable<Uint8Array>;
  /** A range of a blob in memory. */
  read(digest: string, range: { readonly offset: number; readonly length: number }, options?: Options): Promise<Uint8Array>;
  /**
   * Tensors of an artifact, one after the other in the order of its file: all, or those that are selected. Memory: one tensor.
   * @throws RpcError NOT_FOUND (ARTIFACT_NOT_FOUND, TENSOR_NOT_FOUND), INVALID_ARGUMENT for a slice that lies outside, DATA_LOSS
   */
  tensors(digest: string, options?: Options & { readonly select?: readonly TensorSelection[] }): AsyncIterable<RemoteTensor>;
  /**
   * Publishes a manifest with its config and those of its blobs that are not uploaded yet. Small ones travel with the manifest.
   * Publishing twice is publishing once.
   */
  publish(built: BuiltManifest, options?: Options & { readonly blobs?: readonly Uint8Array[] }): Promise<Artifact>;
};

/**
 * The catalog that clients reach.
 * @example
 * ```ts
 * import { buildSourceManifest, mediaTypes } from "#libs/recipes";
 * import { startCatalog } from "../../services/catalog/testing/system.ts";
 * await using catalog = await startCatalog();
 * const artifacts = createArtifacts(catalog.channel);
 * const file = await artifacts.upload(Buffer.from("abc"), { mediaType: mediaTypes.sourceLayer });
 * const parameters = { files: [{ path: "abc.txt", digest: file.digest, bytes: 3 }], licence: "MIT", source: "https://example.org" };
 * const recipe = { kind: "import", inputs: {}, parameters } as const;
 * const { digest } = await artifacts.publish(buildSourceManifest({ recipe, licences: ["MIT"], files: [file] }));
 * (await artifacts.findByRecipe(recipe))?.digest === digest; // true
 * Buffer.from(await artifacts.download(file.digest)).toString(); // "abc"
 * ```
 */
export function createArtifacts(clients: Clients): Artifacts {
  const catalog = clients.client(CatalogService);
  const find = createFinder(catalog);
  return {
    async findByRecipe(recipe, { signal } = {}) {
      return find(recipeKey(recipe), signal);
    },
    async get(digest, { signal } = {}) {
      const found = await catalog.getArtifact({ name: { case: "digest", value: digest } }, calling(signal));
      return present(found.artifact);
    },
    upload: (content, options) => upload(catalog, content, options),
    uploadFile: (source, options) => uploadFile(catalog, source, options),
    // Hashed while the rest is on its way.
    download: (digest, { signal } = {}) => collect(verified(stream(catalog, { digest }, signal), digest)),
    stream: (digest, { signal } = {}) => verified(stream(catalog, { digest }, signal), digest),
    async read(digest, { offset, length }, { signal } = {}) {
      if (length === 0) return new Uint8Array(0);
      return collect(stream(catalog, { digest, offset: BigInt(offset), length: BigInt(length) }, signal));
    },
    tensors: (digest, { select = [], signal } = {}) =>
      readTensors((request) => catalog.readTensors(request, streaming(signal)), digest, select),
    async publish({ manifest, config }, { blobs = [], signal } = {}) {
      const carried: Uint8Array[] = [];
      let room = CARRIED_BYTES;
      for (const blob of [config, ...blobs]) {
        if (blob.length <= room) {
          carried.push(blob);
          transfers.uploaded.add(blob.length);
          room -= blob.length;
        } else await upload(catalog, blob, { mediaType: mediaTypes.sourceLayer, signal });
      }
      const published = await catalog.publishArtifact({ manifest, blobs: carried }, calling(signal));
      return present(published.artifact);
    },
  };
}

type Catalog = ServiceClient<typeof CatalogService>;

async function upload(
  catalog: Catalog,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  { mediaType, annotations, digest: announced, signal }: Parameters<Artifacts["upload"]>[1],
): Promise<Descriptor> {
  const size = content instanceof Uint8Array ? { sizeBytes: BigInt(content.length) } : {};
  const expected = announced ?? (content instanceof Uint8Array ? digestOf(content) : undefined);
  const header = { ...size, ...(expected === undefined ? {} : { digest: expected }) };
  async function* parts() {
    yield { part: { case: "header" as const, value: header } };
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      for (let start = 0; start < piece.length; start += CHUNK_BYTES) {
        const chunk = piece.subarray(start, start + CHUNK_BYTES);
        transfers.uploaded.add(chunk.length);
        yield { part: { case: "chunk" as const, value: chunk } };
      }
    }
  }
  const { digest, sizeBytes } = await catalog.uploadBlob(parts(), streaming(signal));
  return { mediaType, digest: digest as Digest, size: Number(sizeBytes), ...(annotations ? { annotations } : {}) };
}

type Range = { readonly digest: string; readonly offset?: bigint; readonly length?: bigint };

async function* stream(catalog: Catalog, range: Range, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  for await (const { chunk } of catalog.downloadBlob(range, streaming(signal))) {
    transfers.downloaded.add(chunk.length);
    yield chunk;
  }
}

async function* verified(chunks: AsyncIterable<Uint8Array>, digest: string): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  if (`sha256:${hash.digest("hex")}` !== digest) throw otherBytes(digest);
}

/** One buffer of its own, aligned, so that callers may lay typed arrays over it. */
async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function otherBytes(digest: string): RpcError {
  return dataLoss(`blob ${digest} arrived with other bytes`, { reason: "BLOB_CORRUPTED", metadata: { digest } });
}

function present(artifact: Artifact | undefined): Artifact {
  if (!artifact) throw internal("the catalog answered without an artifact");
  return artifact;
}
