import { type Digest, inputsOf, type ReadManifest, readManifest } from "#libs/recipes";
import type { Artifacts } from "./artifacts.ts";

/** A lineage that is longer is not followed to its end. */
const MOST_ANCESTORS = 10_000;

/**
 * Where the lineage of a model begins. An imported model of which nobody has said what it comes from is a beginning only as far as the catalog
 * knows (`imported`): two of them may well have been trained from one foundation elsewhere.
 */
export type Foundation = { readonly digest: Digest; readonly imported: boolean };

/** Of each kind of recipe, the input that its model comes from. */
const COMES_FROM: ReadonlyMap<string, string> = new Map([
  ["average", "models"],
  ["fine-tune", "featurizer"],
  ["probe", "featurizer"],
  ["train", "weights"],
  ["import", "base"],
]);

/**
 * Finds the foundation of models by their recipes: what a training begins with, all members of an average, the declared base of an import.
 * Undefined where those are several, and for a model that was imported itself without a base. Each ancestor is looked up once, however many ways lead to it.
 * @throws RpcError of the catalog; ManifestError
 */
export function createFoundationFinder(
  artifacts: Pick<Artifacts, "get">,
  signal: AbortSignal,
): (model: ReadManifest) => Promise<Foundation | undefined> {
  const known = new Map<Digest, Promise<Foundation | undefined>>();

  async function rootOf({ recipe, digest }: ReadManifest): Promise<Foundation | undefined> {
    const parents = parentsOf(recipe);
    if (parents.size === 0) return { digest, imported: recipe.kind === "import" };
    const found = new Map<string, Foundation | undefined>();
    for (const parent of parents) {
      const root = await lookUp(parent);
      found.set(root?.digest ?? "", root);
    }
    const root = found.size === 1 ? [...found.values()][0] : undefined;
    // Who imported it has said where it begins.
    return root !== undefined && recipe.kind === "import" ? { ...root, imported: false } : root;
  }

  function lookUp(digest: Digest): Promise<Foundation | undefined> {
    const before = known.get(digest);
    if (before !== undefined) return before;
    if (known.size >= MOST_ANCESTORS) return Promise.resolve(undefined);
    const looked = artifacts.get(digest, { signal }).then(({ manifest }) => rootOf(readManifest(manifest)));
    known.set(digest, looked);
    return looked;
  }

  return async (model) => (model.recipe.kind === "import" && parentsOf(model.recipe).size === 0 ? undefined : rootOf(model));
}

function parentsOf(recipe: ReadManifest["recipe"]): ReadonlySet<Digest> {
  const role = COMES_FROM.get(recipe.kind);
  return new Set(role === undefined ? [] : inputsOf(recipe, role));
}
