import { type Digest, isDigest } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import type { Catalog } from "../catalog.ts";
import { ociError } from "../errors.ts";
import { fixedTagOf, manifestRef, referrerRef, refOf, tagOf } from "../names.ts";
import { holderOf } from "../referrers/list-referrers.ts";
import { findByDigest } from "./find-manifest.ts";
import { parseManifest } from "./oci-manifest.ts";

/** Takes a tag away; its history stays. @returns whether there was one */
export async function deleteTag(catalog: Catalog, repository: string, tag: string, signal: AbortSignal): Promise<boolean> {
  const fixed = fixedTagOf(repository, tag);
  if (fixed !== undefined && (await catalog.find({ case: "ref", value: fixed }, signal))) {
    await catalog.client.deleteTag({ name: fixed }, { signal });
    return true;
  }
  const ref = refOf(repository, tag);
  if (ref === undefined || !(await catalog.find({ case: "ref", value: ref }, signal))) return false;
  await catalog.point(ref, undefined, `deleted from ${repository}:${tag}`, signal);
  return true;
}

/**
 * Deletes a manifest by its digest, with its tags in this repository. Where other refs or artifacts need what was pushed, the catalog keeps
 * it, and only the way to it by this digest is gone.
 * @returns whether there was one
 * @throws HttpError 405 for an artifact of the catalog that something else needs: nothing is changed then
 */
export async function deleteManifest(catalog: Catalog, repository: string, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const found = await findByDigest(catalog, digest, signal);
  if (found?.artifact === undefined) return false;
  const artifact = found.artifact.digest as Digest;
  const { subject } = parseManifest(found.bytes);
  const own = [manifestRef(digest), ...(isDigest(subject) ? [referrerRef(subject, digest)] : [])];
  const refs = [...(await tagsOf(catalog, repository, artifact, signal)), ...(await pointing(catalog, own, signal))];
  const reason = `deleted from ${repository}@${digest}`;
  for (const ref of refs) await catalog.point(ref, undefined, reason, signal);
  await catalog.client.unpin({ holder: holderOf(artifact) }, { signal });
  try {
    await catalog.client.deleteArtifact({ digest: artifact }, { signal });
  } catch (error) {
    if (!isRpcError(error, Code.FAILED_PRECONDITION, "ARTIFACT_NEEDED")) throw error;
    if (artifact !== digest) return true;
    for (const ref of refs) await catalog.point(ref, artifact, "was not deleted: something needs it", signal);
    throw ociError(405, "UNSUPPORTED", error.message);
  }
  return true;
}

async function tagsOf(catalog: Catalog, repository: string, artifact: string, signal: AbortSignal): Promise<string[]> {
  const refs: string[] = [];
  for await (const { name, digest } of catalog.refs(repository, signal)) {
    if (digest === artifact && tagOf(repository, name) !== undefined) refs.push(name);
  }
  return refs;
}

async function pointing(catalog: Catalog, refs: readonly string[], signal: AbortSignal): Promise<string[]> {
  const found = await Promise.all(refs.map((ref) => catalog.find({ case: "ref", value: ref }, signal)));
  return refs.filter((_, i) => found[i] !== undefined);
}
