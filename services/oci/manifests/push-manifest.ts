import { annotations, type Digest, isDigest } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { quote } from "#libs/text";
import type { Catalog } from "../catalog.ts";
import { ociError } from "../errors.ts";
import { manifestRef, referrerRef, refOf } from "../names.ts";
import { blobUnknown, checkBlob } from "./check-blob.ts";
import { envelopeOf, isModelPack } from "./envelope.ts";
import { findByDigest, findByRef } from "./find-manifest.ts";
import { type OciDescriptor, type OciManifest, parseManifest } from "./oci-manifest.ts";
import { modelWeights } from "./weights.ts";

/** Indexes of indexes of indexes: deeper is a mistake. */
const DEEPEST = 8;

/**
 * Takes a manifest under a tag or its digest. One that carries a recipe which the catalog takes is the artifact itself, byte for byte;
 * any other is kept in an artifact that imports it (see envelope.ts).
 * @throws HttpError 400 (MANIFEST_INVALID, DIGEST_INVALID), 404 (MANIFEST_BLOB_UNKNOWN)
 */
export async function pushManifest(
  catalog: Catalog,
  {
    repository,
    reference,
    contentType,
    bytes,
  }: { repository: string; reference: string; contentType: string | undefined; bytes: Uint8Array },
  signal: AbortSignal,
): Promise<OciManifest> {
  const tag = reference.includes(":") ? undefined : tagRef(repository, reference);
  const manifest = parseManifest(bytes, contentType);
  const { digest, subject } = manifest;
  if (tag === undefined && reference !== digest)
    throw ociError(400, "DIGEST_INVALID", `the manifest has the digest ${digest}, and not ${quote(reference)}`);
  if (tag !== undefined) await checkFixed(catalog, `${repository}:${reference}`, digest, signal);
  const artifact = (await publishAsItIs(catalog, manifest, signal)) ?? (await publishInEnvelope(catalog, manifest, signal));
  const reason = `pushed to ${repository}${tag === undefined ? "@" : ":"}${reference}`;
  const referrer = isDigest(subject) ? [referrerRef(subject, digest)] : [];
  for (const ref of [manifestRef(digest), ...referrer, ...(tag === undefined ? [] : [tag])])
    await catalog.point(ref, artifact, reason, signal);
  return manifest;
}

/** A tag of the catalog names one manifest for good. */
async function checkFixed(catalog: Catalog, tag: string, digest: Digest, signal: AbortSignal): Promise<void> {
  const found = await findByRef(catalog, tag, signal);
  if (found === undefined || found.digest === digest) return;
  throw ociError(403, "DENIED", `the tag ${tag} names ${found.digest} for good; push under another one, or delete the tag`);
}

function tagRef(repository: string, tag: string): string {
  const ref = refOf(repository, tag);
  if (ref !== undefined) return ref;
  const rule = `letters, digits, ".", "_" and "-", the first a letter or a digit, and with the repository at most 200 characters`;
  throw ociError(400, "MANIFEST_INVALID", `${quote(tag)} cannot be a tag here; expected ${rule}`);
}

/** Of a manifest that carries a recipe: undefined where the catalog does not take it as what the recipe has made. */
async function publishAsItIs(catalog: Catalog, { annotations: notes, bytes, digest }: OciManifest, signal: AbortSignal) {
  if (notes[annotations.recipe] === undefined) return undefined;
  try {
    const { artifact } = await catalog.client.publishArtifact({ manifest: bytes }, { signal });
    // Of an approximate recipe the catalog keeps the first result, and this may be another.
    return artifact?.digest === digest ? digest : undefined;
  } catch (error) {
    if (isRpcError(error, Code.FAILED_PRECONDITION, "BLOB_MISSING")) throw blobUnknown(error.metadata["digest"] ?? error.message);
    const refused = [Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.ALREADY_EXISTS].some((code) => isRpcError(error, code));
    if (!refused) throw error;
    return undefined;
  }
}

async function publishInEnvelope(catalog: Catalog, manifest: OciManifest, signal: AbortSignal): Promise<Digest> {
  const { config } = manifest;
  const carried: Uint8Array[] = [manifest.bytes];
  const parts = await partsOf(catalog, manifest, { carried, depth: 0, signal });
  const configBytes = config && (await readConfig(catalog, config, signal));
  const weights = isModelPack(manifest) ? await modelWeights(catalog, manifest, signal) : undefined;
  const built = envelopeOf(manifest, { config: configBytes, parts, weights });
  try {
    const { digest } = await catalog.artifacts.publish(built, { blobs: carried, signal });
    return digest as Digest;
  } catch (error) {
    if (isRpcError(error, Code.FAILED_PRECONDITION, "BLOB_MISSING")) throw blobUnknown(error.metadata["digest"] ?? error.message);
    if (isRpcError(error, Code.INVALID_ARGUMENT)) throw ociError(400, "MANIFEST_INVALID", error.message);
    throw error;
  }
}

/** Everything that a manifest names, itself or through the manifests that it names, which are `carried` along: the catalog has them as artifacts. */
async function partsOf(
  catalog: Catalog,
  { config, layers, manifests }: OciManifest,
  context: { readonly carried: Uint8Array[]; readonly depth: number; readonly signal: AbortSignal },
): Promise<OciDescriptor[]> {
  const { carried, depth, signal } = context;
  if (depth > DEEPEST) throw ociError(400, "MANIFEST_INVALID", `manifests: indexes are nested more than ${DEEPEST} deep`);
  const parts = [...(config ? [config] : []), ...layers];
  for (const named of manifests) {
    const found = await findByDigest(catalog, named.digest, signal);
    if (found === undefined) throw blobUnknown(named.digest);
    const child = parseManifest(found.bytes);
    carried.push(child.bytes);
    parts.push({ ...named, size: child.bytes.length }, ...(await partsOf(catalog, child, { ...context, depth: depth + 1 })));
  }
  return parts;
}

const MOST_CONFIG_BYTES = 1 << 20;

async function readConfig(catalog: Catalog, config: OciDescriptor, signal: AbortSignal): Promise<Uint8Array | undefined> {
  await checkBlob(catalog, config, signal);
  return config.size > MOST_CONFIG_BYTES ? undefined : catalog.artifacts.download(config.digest, { signal });
}
