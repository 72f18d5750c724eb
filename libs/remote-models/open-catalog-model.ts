import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Artifacts, createArtifacts, createFoundationFinder } from "#libs/artifacts";
import { replaceFile, userCache } from "#libs/files";
import { fileDigest, type ModelFiles, openDigestCache, openModel } from "#libs/models";
import { type Digest, layerOf, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";
import { Code, isRpcError, type RpcChannel } from "#libs/rpc";
import { UsageError } from "#libs/service/process";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { findArtifact } from "./find-artifact.ts";

/**
 * Opens a model of a catalog: its weights are fetched into the user's cache, named by their digest, unless they are there.
 * @param catalog how the catalog is called in a sentence
 * @throws UsageError if the catalog has no such model
 */
export async function openCatalogModel(
  name: string,
  channel: RpcChannel,
  { catalog, signal }: { readonly catalog: string; readonly signal: AbortSignal },
): Promise<ModelFiles> {
  const artifacts = createArtifacts(channel);
  const manifest = await findModel();
  const weights = layerOf(manifest, mediaTypes.weights);
  const file = await fetched(weights.digest, artifacts, signal);
  const foundation = await createFoundationFinder(artifacts, signal)(manifest);
  const model = await openModel(file, name);
  const lineage = foundation && { foundation: foundation.digest, foundationImported: foundation.imported };
  return { ...model, licences: manifest.licences, artifact: manifest.digest, ...lineage };

  async function findModel(): Promise<ReadManifest> {
    try {
      const artifact = await findArtifact(name, channel.client(CatalogService), signal);
      const found = readManifest(artifact.manifest);
      if (found.kind !== "model") throw new UsageError(`${name} is no model but a ${found.kind}`);
      return found;
    } catch (cause) {
      if (!isRpcError(cause, Code.NOT_FOUND)) throw cause;
      throw new UsageError(`${name} is neither a file or a folder here, nor a model in ${catalog}`, { cause });
    }
  }
}

/** The path of a blob in the user's cache, with the bytes that its name says: others are fetched again. */
async function fetched(digest: Digest, artifacts: Artifacts, signal: AbortSignal): Promise<string> {
  const folder = userCache("weights");
  const path = join(folder, `${digest.replace("sha256:", "")}.safetensors`);
  if (await holds(path, digest, signal)) return path;
  await mkdir(folder, { recursive: true });
  await replaceFile(path, artifacts.stream(digest, { signal }), { fsync: false });
  return path;
}

async function holds(path: string, digest: Digest, signal: AbortSignal): Promise<boolean> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  if (found === undefined) return false;
  const identity = { device: found.dev, inode: found.ino, mtimeNs: found.mtimeNs };
  return (await fileDigest({ path, size: Number(found.size), identity }, { cache: openDigestCache(), signal })) === digest;
}
