import type { Artifacts } from "#libs/artifacts";
import { createByteCache } from "#libs/concurrency";
import { type Descriptor, type Digest, type Recipe, readManifest } from "#libs/recipes";
import type { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";

/** An input of a recipe, as its trainer is told: what is in it, by blobs of the catalog. */
export type ResolvedArtifact = {
  readonly digest: Digest;
  readonly kind: ArtifactKind;
  readonly layers: readonly Descriptor[];
  readonly licences: readonly string[];
};

/** All inputs of a role, in the recipe's order. */
export type ResolvedInput = { readonly role: string; readonly artifacts: readonly ResolvedArtifact[] };

/** What is in the inputs of a recipe; roles in alphabetical order. @throws RpcError NOT_FOUND if the catalog does not have one of them */
export type ResolveInputs = (recipe: Pick<Recipe, "inputs">) => Promise<ResolvedInput[]>;

/** Manifests that are kept: those of a run's data sets and foundations are asked for by each of its jobs. */
const CACHE_BYTES = 16 << 20;

/** Asks the catalog, for what was not asked for lately. */
export function createInputs(artifacts: Pick<Artifacts, "get">): ResolveInputs {
  const cache = createByteCache<ResolvedArtifact>(CACHE_BYTES);
  const resolve = async (digest: Digest): Promise<ResolvedArtifact> => {
    const known = cache.get(digest);
    if (known) return known;
    const { manifest, kind } = await artifacts.get(digest);
    const { layers, licences } = readManifest(manifest);
    const resolved = { digest, kind, layers, licences };
    cache.set(digest, resolved, manifest.length);
    return resolved;
  };
  return ({ inputs }) =>
    Promise.all(
      Object.keys(inputs)
        .sort()
        .map(async (role) => ({
          role,
          artifacts: await Promise.all([inputs[role] ?? []].flat().map((digest) => resolve(digest as Digest))),
        })),
    );
}
