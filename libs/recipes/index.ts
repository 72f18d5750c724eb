export { arithmetics, type BackendName, backendOf, backends, evaluationArithmetics } from "./arithmetic.ts";
export { canonicalJson, type Digest, digestOf, isDigest, type Json } from "./canonical.ts";
export { type LicenceTerms, licenceTerms, spdxLicence } from "./licence-terms.ts";
export { foldLicences, joinLicences, type ResultLicence, resultLicence } from "./licences.ts";
export {
  type ArtifactKind,
  type BuiltManifest,
  buildDatasetManifest,
  buildEvaluationManifest,
  buildModelManifest,
  buildSourceManifest,
  type Descriptor,
  layerOf,
  ManifestError,
  type ReadManifest,
  readManifest,
} from "./manifest.ts";
export { annotations, mediaTypes } from "./media-types.ts";
export { isRunName, nameWord, runNameRule } from "./names.ts";
export {
  type AverageParameters,
  type EvaluateParameters,
  type GlyphsParameters,
  type ImportParameters,
  measures,
  type RecipeKind,
  type RotatedDigitsParameters,
  type StyleName,
  styleNames,
  type TrainingParameters,
} from "./parameters.ts";
export { canonicalRecipe, inputOf, inputsOf, parseRecipe, type Recipe, RecipeError, recipeInputs, recipeKey } from "./recipe.ts";
export type { Barrier, BarrierSummary, EvaluationResult, Score, TrainingCurve, TrainingSummary } from "./results.ts";
