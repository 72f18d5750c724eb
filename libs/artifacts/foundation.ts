import { type Digest, inputsOf, type ReadManifest, readManifest } from "#libs/recipes";
import type { Artifacts } from "./artifacts.ts";

/** A lineage that is longer is not followed to its end. */
const MOST_ANCESTORS = 10_000;

/**
 * Where the lineage of a model begins. An imported model is a beginning only as far as the catalog knows: two of them may well have been
 * trained from one foundation elsewhere.
 */
export type Foundation = { readonly digest: Digest; readonly imported: boolean };

/**
 * Finds the foundation of models by their recipes: what a training's featurizer comes from, or all members of an average. Undefined where
 * those are several, and for a model that was imported itself. Each ancestor is looked up once, however many ways lead to it.
 * @throws RpcError of the catalog; ManifestError
 */
export function createFoundationFinder(
  artifacts: Pick<Artifacts, "get">,
  signal: AbortSignal,
): (model: ReadManifest) => Promise<Foundation | undefined> {
  const known = new Map<Digest, Promise<Foundation | undefined>>();

  async function rootOf({ recipe, digest }: ReadManifest): Promise<Foundation | undefined> {
    const role = recipe.kind === "average" ? "models" : recipe.kind === "fine-tune" || recipe.kind === "probe" ? "featurizer" : undefined;
    if (role === undefined) return { digest, imported: recipe.kind === "import" };
    const found = new Map<string, Foundation | undefined>();
    for (const parent of new Set(inputsOf(recipe, role))) {
      const root = await lookUp(parent);
      found.set(root?.digest ?? "", root);
    }
    return found.size === 1 ? [...found.values()][0] : undefined;
  }

  function lookUp(digest: Digest): Promise<Foundation | undefined> {
    const before = known.get(digest);
    if (before !== undefined) return before;
    if (known.size >= MOST_ANCESTORS) return Promise.resolve(undefined);
    const looked = artifacts.get(digest, { signal }).then(({ manifest }) => rootOf(readManifest(manifest)));
    known.set(digest, looked);
    return looked;
  }

  return async (model) => (model.recipe.kind === "import" ? undefined : rootOf(model));
}
