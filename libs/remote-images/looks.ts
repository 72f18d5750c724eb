import type { Artifacts } from "#libs/artifacts";
import { decodeLooks, encodeLooks, type ImageLooks } from "#libs/image-sets";
import { arithmetics, buildLooksManifest, type Digest, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";

/** Looks that the catalog has. */
export type StoredLooks = { readonly digest: Digest; readonly looks: ImageLooks };

/** What the images of an import look like; undefined where nobody has said it. @throws RpcError; ImageSetError for a damaged file */
export async function findLooks(artifacts: Pick<Artifacts, "findByRecipe" | "download">, source: string, signal: AbortSignal) {
  const artifact = await artifacts.findByRecipe(looksRecipe(source), { signal });
  if (artifact === undefined) return undefined;
  try {
    const file = await artifacts.download(layerOf(readManifest(artifact.manifest), mediaTypes.looksLayer).digest, { signal });
    return { digest: artifact.digest as Digest, looks: decodeLooks(file) } satisfies StoredLooks;
  } catch (error) {
    // Collected as garbage a moment ago.
    if (isRpcError(error, Code.NOT_FOUND)) return undefined;
    throw error;
  }
}

/** Puts what the images of an import look like into the catalog, unless it is there. @param look decodes them all. @throws RpcError */
export async function publishLooks(
  artifacts: Artifacts,
  { source, licence, look, signal }: { source: string; licence: string; look: () => Promise<ImageLooks>; signal: AbortSignal },
): Promise<void> {
  const recipe = looksRecipe(source);
  if (await artifacts.findByRecipe(recipe, { signal })) return;
  const hashes = await artifacts.upload(encodeLooks(await look()), { mediaType: mediaTypes.looksLayer, signal });
  await artifacts.publish(buildLooksManifest({ recipe, licences: [licence], hashes }), { signal });
}

function looksRecipe(source: string): Recipe {
  return { kind: "looks", inputs: { source: source as Digest }, parameters: {}, arithmetic: arithmetics.looking };
}
