import {
  annotations,
  canonicalJson,
  canonicalRecipe,
  type Descriptor,
  digestOf,
  type Json,
  mediaTypes,
  type ReadManifest,
} from "#libs/recipes";
import { INDEX_TYPE } from "../manifests/oci-manifest.ts";

/** What an artifact was made by: one layer, the recipe. */
export const RECIPE_TYPE = "application/vnd.ratatouille.recipe.v1+json";
/** What an artifact was made of: an index of the artifacts that its recipe used. */
export const LINEAGE_TYPE = "application/vnd.ratatouille.lineage.v1+json";
/** The role that an input has in the recipe, such as "models". */
const ROLE = "org.ratatouille.role";

/** A manifest as lists of manifests name it. */
export type NamedManifest = Descriptor & { readonly artifactType?: string | undefined };

/** A manifest that refers to an artifact, and the blobs that it names. */
export type Derived = { readonly descriptor: NamedManifest; readonly bytes: Uint8Array; readonly blobs: readonly Uint8Array[] };

/**
 * What the catalog knows of an artifact, as manifests that refer to it: its recipe, and, where that used others, its lineage. It follows
 * from the artifacts alone, byte for byte.
 * @param named the artifact and those that its recipe used, by digest, as lists name them
 */
export function derivedReferrers(manifest: ReadManifest, named: ReadonlyMap<string, NamedManifest>): readonly Derived[] {
  const { mediaType, digest, size } = named.get(manifest.digest)!;
  const subject = { mediaType, digest, size };
  const recipe = recipeManifest(manifest, subject);
  const inputs = Object.entries(manifest.recipe.inputs).flatMap(([role, input]) => [input].flat().map((digest) => ({ role, digest })));
  if (inputs.length === 0) return [recipe];
  const manifests = inputs.map(({ role, digest }) => ({ ...named.get(digest)!, annotations: { [ROLE]: role } }));
  const lineage = { schemaVersion: 2, mediaType: INDEX_TYPE, artifactType: LINEAGE_TYPE, manifests, subject };
  return [recipe, derived(INDEX_TYPE, LINEAGE_TYPE, lineage, [])];
}

function recipeManifest({ recipe }: ReadManifest, subject: Descriptor): Derived {
  const layer = new TextEncoder().encode(canonicalRecipe(recipe));
  const config = new TextEncoder().encode("{}");
  const titled = { [annotations.title]: "recipe.json" };
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: RECIPE_TYPE,
    config: { mediaType: mediaTypes.empty, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: RECIPE_TYPE, digest: digestOf(layer), size: layer.length, annotations: titled }],
    subject,
  };
  return derived(mediaTypes.manifest, RECIPE_TYPE, manifest, [layer, config]);
}

function derived(mediaType: string, artifactType: string, manifest: object, blobs: readonly Uint8Array[]): Derived {
  const bytes = new TextEncoder().encode(canonicalJson(manifest as Json));
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length, artifactType }, bytes, blobs };
}
