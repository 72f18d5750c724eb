import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { canonicalJson, type Digest, digestOf } from "#libs/recipes";
import { planSafetensors } from "#libs/tensors";
import type { DigestCache } from "./digest-cache.ts";
import { ModelError } from "./errors.ts";
import type { ModelFiles, WeightsFile } from "./types.ts";

export type DigestOptions = {
  readonly cache?: DigestCache;
  readonly signal?: AbortSignal;
  /** Told how many bytes more have been read; nothing for those that the cache knows. */
  readonly onRead?: (bytes: number) => void;
};

/** What a safetensors file says of itself that is made of tensors in other files. */
export const SAVED_BY_TORCH = { format: "pt" } as const;

// Small enough for the second cache. Reading without a thread between costs a sixth less than the file handle's own reads.
const CHUNK = 1 << 18;
/** Bytes hashed between two turns of the event loop: a few milliseconds. */
const TURN = 1 << 22;

/**
 * The digest of a model's weights: the sha-256 of its file; of several the sha-256 of the canonical list of [file name, sha-256], in the
 * order of the names. @throws ModelError if a file is no longer what was opened
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { digestOf } from "#libs/recipes";
 * import { saveFloat32 } from "#libs/tensors";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * const file = saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]]));
 * await writeFile(directory.join("soup.safetensors"), file);
 * await weightsDigest(await openModel(directory.join("soup.safetensors"))); // digestOf(file)
 * ```
 */
export async function weightsDigest(model: Pick<ModelFiles, "files">, options: DigestOptions = {}): Promise<Digest> {
  const digests: Digest[] = [];
  for (const file of model.files) digests.push(await fileDigest(file, options));
  return model.files.length === 1 ? digests[0]! : digestOf(canonicalJson(model.files.map(({ path }, i) => [basename(path), digests[i]!])));
}

/** What a digest is computed of. */
export type DigestedFile = Pick<WeightsFile, "path" | "size" | "identity" | "torch">;

/** The sha-256 of one file; of a file of PyTorch that of the safetensors file that its tensors make. */
export async function fileDigest(file: DigestedFile, { cache, signal, onRead }: DigestOptions = {}): Promise<Digest> {
  const known = cache?.get(file);
  if (known !== undefined) return known;
  const hash = createHash("sha256");
  await using handle = await open(file.path, "r");
  await checkIdentity(handle, file);
  const chunk = new Uint8Array(CHUNK);
  for (const part of partsOf(file)) {
    if (part instanceof Uint8Array) {
      hash.update(part);
      continue;
    }
    for (let { at, end } = part, read = -1; read !== 0; ) {
      signal?.throwIfAborted();
      const from = at;
      while (at - from < TURN && read !== 0) {
        read = readSync(handle.fd, chunk, 0, Math.min(CHUNK, end - at), at);
        hash.update(read === CHUNK ? chunk : chunk.subarray(0, read));
        at += read;
      }
      onRead?.(at - from);
      await nextTurn();
    }
  }
  await checkIdentity(handle, file);
  const digest: Digest = `sha256:${hash.digest("hex")}`;
  cache?.set(file, digest);
  return digest;
}

/** What is hashed, one behind the other: bytes that are here, and parts of the file. */
function* partsOf({ size, torch }: DigestedFile): Generator<Uint8Array | { at: number; end: number }> {
  if (torch === undefined) {
    yield { at: 0, end: size };
    return;
  }
  const { header, offsets } = planSafetensors(torch.tensors, SAVED_BY_TORCH);
  yield header;
  const places = new Map(torch.tensors.map((place) => [place.name, place]));
  for (const name of offsets.keys()) {
    const { offset, length } = places.get(name)!;
    yield { at: offset, end: offset + length };
  }
}

async function checkIdentity(handle: Awaited<ReturnType<typeof open>>, { path, size, identity }: DigestedFile): Promise<void> {
  const now = await handle.stat({ bigint: true });
  if (now.dev === identity.device && now.ino === identity.inode && now.mtimeNs === identity.mtimeNs && now.size === BigInt(size)) return;
  throw new ModelError("invalid", `${path} was changed while it was read`);
}
