export { architectureOf, checkConfig, checkManifest, configEquals, isLicenceText, manifestEquals } from "./acceptance.ts";
export { arithmetics, type BackendName, backendOf, backends, evaluationArithmetics } from "./arithmetic.ts";
export { canonicalJson, type Digest, digestOf, isDigest, type Json } from "./canonical.ts";
export { isSpdxLicence, licenceAlternatives, splitLicences } from "./licence-expression.ts";
export { type LicenceTerms, spdxLicence } from "./licence-terms.ts";
export { combineLicences, foldLicences, joinLicences, type ResultLicence, resultLicence, UNKNOWN_LICENCE } from "./licences.ts";
export {
  type BuiltManifest,
  buildDatasetManifest,
  buildEvaluationManifest,
  buildModelManifest,
  buildSourceManifest,
  type Descriptor,
} from "./manifest.ts";
export { annotations, mediaTypes } from "./media-types.ts";
export { isRunName, nameWord, runNameRule } from "./names.ts";
export {
  type AverageParameters,
  type EvaluateParameters,
  type GlyphsParameters,
  type ImportParameters,
  type RecipeKind,
  type RotatedDigitsParameters,
  type StyleName,
  styleNames,
  type TrainingParameters,
} from "./parameters.ts";
export { type ArtifactKind, layerOf, ManifestError, type ReadManifest, readManifest } from "./read-manifest.ts";
export { canonicalRecipe, inputOf, inputsOf, parseRecipe, type Recipe, RecipeError, recipeInputs, recipeKey } from "./recipe.ts";
export type { Barrier, BarrierSummary, EvaluationResult, Score, TrainingCurve, TrainingSummary } from "./results.ts";
