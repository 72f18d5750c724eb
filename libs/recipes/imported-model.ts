import type { Digest } from "./canonical.ts";
import { joinLicences, UNKNOWN_LICENCE } from "./licences.ts";
import { type BuiltManifest, buildModelManifest } from "./manifest.ts";
import { mediaTypes } from "./media-types.ts";
import type { Recipe } from "./recipe.ts";

/** A model from outside: one safetensors file, and what its import says of it. */
export type ImportedModel = {
  readonly weights: { readonly digest: Digest; readonly size: number };
  /** SPDX expressions, all of which apply; none where nothing is known. */
  readonly licences: readonly string[];
  /** Where it comes from, for people. */
  readonly source: string;
  /** The artifact that it is said to be fine-tuned from. */
  readonly base?: Digest | undefined;
};

/**
 * The recipe of an import of a model. Whatever the file was called, it is model.safetensors here, so that equal weights are one model.
 * @example
 * ```ts
 * const weights = { digest: digestOf("weights"), size: 7 };
 * importedModelRecipe({ weights, licences: [], source: "hub" }).parameters["licence"]; // "LicenseRef-unknown"
 * ```
 */
export function importedModelRecipe({ weights: { digest, size }, licences, source, base }: ImportedModel): Recipe {
  return {
    kind: "import",
    inputs: base === undefined ? {} : { base },
    parameters: {
      files: [{ path: "model.safetensors", digest, bytes: size }],
      licence: joinLicences(knownLicences(licences)),
      source,
    },
  };
}

/**
 * The manifest of an imported model.
 * @example
 * ```ts
 * const weights = { digest: digestOf("weights"), size: 7 };
 * const { manifest } = buildImportedModel({ weights, licences: ["MIT"], source: "hub", architecture: "mlp", parameterCount: 1, dtype: "F32" });
 * readManifest(manifest).kind; // "model"
 * ```
 */
export function buildImportedModel(
  model: ImportedModel & { readonly architecture: string; readonly parameterCount: number; readonly dtype: string },
): BuiltManifest {
  const { weights, licences, architecture, parameterCount, dtype } = model;
  return buildModelManifest({
    recipe: importedModelRecipe(model),
    licences: knownLicences(licences),
    weights: { ...weights, mediaType: mediaTypes.weights },
    architecture,
    parameterCount,
    dtype,
  });
}

function knownLicences(licences: readonly string[]): readonly string[] {
  return licences.length > 0 ? licences : [UNKNOWN_LICENCE];
}
