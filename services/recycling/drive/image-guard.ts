import type { Artifacts } from "#libs/artifacts";
import { finishInTurns } from "#libs/concurrency";
import {
  decodeIndex,
  type ImageIndex,
  ImageSetError,
  imageLeaks,
  imagesInDomains,
  itemLeaks,
  looksOf,
  type SeenImages,
} from "#libs/image-sets";
import { type Digest, layerOf, mediaTypes, type ReadManifest, readManifest, type SplitParameters } from "#libs/recipes";
import { findLooks } from "#libs/remote-images";
import type { ServiceClient } from "#libs/rpc";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { Lessons } from "../plan/planner.ts";
import { retryTransient } from "./retry-transient.ts";

/** Looks whether models that fine-tunings start from have seen images of the target, as soon as it is known which these are. */
export type ImageGuard = {
  /** A node's artifact is known. */
  onDone(node: string, digest: Digest): void;
  readonly finished: Promise<Guarded>;
};

/** What a guard has found. */
export type Guarded = {
  /** What is wrong, as a sentence; absent if nothing is. */
  readonly leak?: string;
  /**
   * What a person should look at: what the run allows all the same; images that several domains of the target hold; images that look nearly
   * equal, where the catalog knows what they look like.
   */
  readonly notes: readonly string[];
};

type Sources = {
  readonly artifacts: Pick<Artifacts, "get" | "download" | "findByRecipe">;
  readonly catalog: Pick<ServiceClient<typeof CatalogService>, "getLineage">;
};

/**
 * A guard over what models have learned from: data sets of the run, and, of models that are ready, the data sets of their lineage in the
 * catalog. Images are the same where their bytes are, whatever they are called. Where items are held out no ready model may have learned one of
 * them, by its name; the run itself leaves them out.
 * @param options.keep pins the looks of images, so that the run can be started again without making them anew
 */
export function createImageGuard(
  { target, seen, heldOutItems, allowed }: Lessons,
  { artifacts, catalog }: Sources,
  { patienceMs, signal, keep }: { readonly patienceMs: number; readonly signal: AbortSignal; readonly keep: (digest: Digest) => void },
): ImageGuard {
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
      // Drawn symbols are a data set without an index of images.
      if (error instanceof ImageSetError) return undefined;
      throw error;
    }
  };
  const dataSet = async (label: string, digest: Digest): Promise<SeenImages> => {
    const manifest = readManifest((await artifacts.get(digest, { signal })).manifest);
    const index = await imagesOf(manifest);
    const source = manifest.recipe.inputs["source"];
    if (typeof source !== "string" || !index) return { label, digests: [digest], ...(index ? { index } : {}) };
    const known = await findLooks(artifacts, source, signal);
    if (known) keep(known.digest);
    return { label, digests: [digest, source], index, ...(known ? { looks: looksOf(index, known.looks) } : {}) };
  };
  const lineageOf = async (model: Digest): Promise<readonly ReadManifest[]> => {
    const { artifacts: lineage } = await catalog.getLineage({ digest: model }, { signal });
    return lineage.map(({ manifest }) => readManifest(manifest));
  };
  const leaksOf = async (own: SeenImages, label: string, model: Digest) => {
    const manifests = await lineageOf(model);
    const data = manifests.filter(({ kind }) => kind === "dataset");
    const images = new Map(await Promise.all(data.map(async ({ digest }) => [digest, await dataSet(label, digest)] as const)));
    const leaks = await finishInTurns(imageLeaks(own, [...images.values()]), signal);
    if (heldOutItems === 0) return leaks;
    const trained = trainedOn(manifests).flatMap(({ dataset, heldOut }) => {
      const found = images.get(dataset);
      return found ? [{ ...found, heldOut }] : [];
    });
    return [...leaks, ...(await finishInTurns(itemLeaks(own, heldOutItems, trained), signal))];
  };

  const look = async (): Promise<Guarded> => {
    const own = await dataSet("the target", await place(target).promise);
    const twice = await finishInTurns(imagesInDomains(own), signal);
    const notes = twice === undefined ? [] : [twice];
    for (const { label, ...from } of seen) {
      const leaks =
        "model" in from
          ? await leaksOf(own, label, from.model)
          : await finishInTurns(imageLeaks(own, [await dataSet(label, await place(from.node).promise)]), signal);
      for (const { severity, message } of leaks) {
        if (severity === "error" && !allowed)
          return { leak: `${message}; shared-images: allow in the run file goes on all the same`, notes };
        notes.push(message);
      }
    }
    return { notes: [...new Set(notes)] };
  };
  return {
    onDone(node, digest) {
      if (awaited.has(node)) place(node).resolve(digest);
    },
    finished: retryTransient(look, { patienceMs, signal }),
  };
}

/** What the trainings among artifacts have learned from, and the share of its items that was held out of them. */
function trainedOn(manifests: readonly ReadManifest[]): { readonly dataset: Digest; readonly heldOut: number }[] {
  const byDigest = new Map(manifests.map((manifest) => [manifest.digest as string, manifest]));
  return manifests.flatMap(({ recipe: { kind, inputs } }) => {
    if (kind !== "train") return [];
    const split = byDigest.get(String(inputs["split"]))?.recipe;
    const { scheme, test = 0 } = (split?.parameters ?? {}) as Partial<SplitParameters>;
    return [{ dataset: inputs["dataset"] as Digest, heldOut: scheme === "items/1" ? test : 0 }];
  });
}
