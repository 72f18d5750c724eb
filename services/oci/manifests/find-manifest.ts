import type { Digest } from "#libs/recipes";
import { mediaTypes } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { Catalog } from "../catalog.ts";
import { fixedTagOf, manifestRef, refOf } from "../names.ts";
import { carriedManifest } from "./carried.ts";

/** A manifest as it is served. */
export type StoredManifest = {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** What the catalog has it as; undefined of one that only says what the catalog knows. */
  readonly artifact: Artifact | undefined;
};

/** The most that is taken of a manifest, and so of one that is read. The specification asks for 4 MiB. */
export const MOST_MANIFEST_BYTES = 4 << 20;

/** The manifest that an artifact is, or that it was made of when it was pushed. */
async function manifestOf(catalog: Catalog, artifact: Artifact, signal: AbortSignal): Promise<StoredManifest> {
  const carried = carriedManifest(artifact.manifest);
  if (carried === undefined) {
    return { digest: artifact.digest as Digest, mediaType: mediaTypes.manifest, bytes: artifact.manifest, artifact };
  }
  const { digest, mediaType } = carried;
  return { digest, mediaType, bytes: await catalog.artifacts.download(digest, { signal }), artifact };
}

/** The manifest that a ref of the catalog points at. */
export async function findByRef(catalog: Catalog, ref: string, signal: AbortSignal): Promise<StoredManifest | undefined> {
  const artifact = await catalog.find({ case: "ref", value: ref }, signal);
  return artifact && manifestOf(catalog, artifact, signal);
}

/** A manifest by its tag: a tag of the catalog, which never means another one, or else a ref. */
export async function findByTag(
  catalog: Catalog,
  repository: string,
  tag: string,
  signal: AbortSignal,
): Promise<StoredManifest | undefined> {
  const names = [fixedTagOf(repository, tag), refOf(repository, tag)];
  const found = await Promise.all(names.map((name) => name && findByRef(catalog, name, signal)));
  return found.find((manifest) => typeof manifest === "object");
}

/** A manifest by its digest: any artifact of the catalog, or what was pushed. */
export async function findByDigest(catalog: Catalog, digest: Digest, signal: AbortSignal): Promise<StoredManifest | undefined> {
  const artifact = await catalog.find({ case: "digest", value: digest }, signal);
  if (artifact) return { digest, mediaType: mediaTypes.manifest, bytes: artifact.manifest, artifact };
  return findByRef(catalog, manifestRef(digest), signal);
}

/** A small blob; undefined where there is none, or it is larger than any manifest. */
export async function readSmall(catalog: Catalog, digest: Digest, signal: AbortSignal): Promise<Uint8Array | undefined> {
  const size = await catalog.sizeOf(digest, signal);
  if (size === undefined || size > MOST_MANIFEST_BYTES) return undefined;
  try {
    return await catalog.artifacts.download(digest, { signal });
  } catch (error) {
    if (isRpcError(error, Code.NOT_FOUND)) return undefined;
    throw error;
  }
}
