import type { Artifacts } from "#libs/artifacts";
import { decodeIndex, type ImageIndex, ImageSetError, imageLeaks, type SeenImages } from "#libs/image-sets";
import { type Digest, layerOf, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";
import type { ServiceClient } from "#libs/rpc";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { Lessons } from "../plan/planner.ts";
import { retryTransient } from "./retry-transient.ts";

/** Looks whether models that fine-tunings start from have seen pictures of the target, as soon as it is known which these are. */
export type PictureGuard = {
  /** A node's artifact is known. */
  onDone(node: string, digest: Digest): void;
  /** Resolves with what is wrong, as a sentence; undefined if nothing is. */
  readonly finished: Promise<string | undefined>;
};

type Sources = {
  readonly artifacts: Pick<Artifacts, "get" | "download">;
  readonly catalog: Pick<ServiceClient<typeof CatalogService>, "getLineage">;
};

/**
 * A guard over what models have learned from: data sets of the run, and, of models that are ready, the data sets of their lineage in the
 * catalog. Pictures are the same where their bytes are, whatever they are called.
 */
export function createPictureGuard(
  { target, seen }: Lessons,
  { artifacts, catalog }: Sources,
  { patienceMs, signal }: { readonly patienceMs: number; readonly signal: AbortSignal },
): PictureGuard {
  const awaited = new Set([target, ...seen.flatMap((one) => ("node" in one ? [one.node] : []))]);
  const waiting = new Map<string, PromiseWithResolvers<Digest>>();
  const place = (node: string): PromiseWithResolvers<Digest> => {
    const known = waiting.get(node) ?? Promise.withResolvers<Digest>();
    waiting.set(node, known);
    return known;
  };

  const imagesOf = async (manifest: ReadManifest): Promise<ImageIndex | undefined> => {
    try {
      return decodeIndex(await artifacts.download(layerOf(manifest, mediaTypes.datasetLayer).digest, { signal }));
    } catch (error) {
      // Drawn symbols are a data set without an index of pictures.
      if (error instanceof ImageSetError) return undefined;
      throw error;
    }
  };
  const dataSet = async (label: string, digest: Digest): Promise<SeenImages> => {
    const manifest = readManifest((await artifacts.get(digest, { signal })).manifest);
    const index = await imagesOf(manifest);
    const source = manifest.recipe.inputs["source"];
    return { label, digests: [digest, ...(typeof source === "string" ? [source] : [])], ...(index ? { index } : {}) };
  };
  const dataOf = async (label: string, model: Digest): Promise<SeenImages[]> => {
    const { artifacts: lineage } = await catalog.getLineage({ digest: model }, { signal });
    const manifests = lineage.map(({ manifest }) => readManifest(manifest));
    return Promise.all(manifests.filter(({ kind }) => kind === "dataset").map(({ digest }) => dataSet(label, digest)));
  };

  const look = async (): Promise<string | undefined> => {
    const own = await dataSet("the target", await place(target).promise);
    for (const { label, ...from } of seen) {
      const images = "model" in from ? await dataOf(label, from.model) : [await dataSet(label, await place(from.node).promise)];
      const leak = imageLeaks(own, images).find(({ severity }) => severity === "error");
      if (leak) return `${leak.message}; shared-pictures: allow in the run file goes on all the same`;
    }
    return undefined;
  };
  return {
    onDone(node, digest) {
      if (awaited.has(node)) place(node).resolve(digest);
    },
    finished: retryTransient(look, { patienceMs, signal }),
  };
}
