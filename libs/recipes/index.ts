export { architectureOf, checkConfig, checkManifest, configEquals, isLicenceText, manifestEquals } from "./acceptance.ts";
export { arithmetics, type BackendName, backendOf, backends, evaluationArithmetics, isApproximate } from "./arithmetic.ts";
export type { ArtifactKind } from "./artifact-kinds.ts";
export { canonicalJson, type Digest, digestOf, isDigest, type Json } from "./canonical.ts";
export { parseEnvelope } from "./envelope.ts";
export { buildImportedModel, type ImportedModel, importedModelRecipe } from "./imported-model.ts";
export type { AverageParameters } from "./kinds/average.ts";
export {
  type ColoredMnistParameters,
  colouredMnist,
  type GlyphsParameters,
  mnistAngles,
  type RotatedDigitsParameters,
  type RotatedMnistParameters,
  type StyleName,
  type SubsetParameters,
  styleNames,
} from "./kinds/dataset.ts";
export type { ImportParameters } from "./kinds/import.ts";
export type { RecipeKind } from "./kinds/kinds.ts";
export type { MeasureParameters } from "./kinds/measure.ts";
export type { PredictParameters } from "./kinds/predict.ts";
export type { SplitParameters } from "./kinds/split.ts";
export { type TrainParameters, trainDefaults } from "./kinds/train.ts";
export type { EvaluateParameters } from "./kinds/v1-evaluate.ts";
export type { TrainingParameters } from "./kinds/v1-training.ts";
export { isSpdxLicence, licenceAlternatives, splitLicences } from "./licence-expression.ts";
export { type LicenceTerms, spdxLicence } from "./licence-terms.ts";
export { combineLicences, foldLicences, joinLicences, type ResultLicence, resultLicence, UNKNOWN_LICENCE } from "./licences.ts";
export {
  type BuiltManifest,
  buildDatasetManifest,
  buildEvaluationManifest,
  buildLooksManifest,
  buildModelManifest,
  buildPackedModelManifest,
  buildPredictionManifest,
  buildSourceManifest,
  buildSplitManifest,
  type Descriptor,
} from "./manifest.ts";
export { checkImportRoom, MOST_MANIFEST_BYTES } from "./manifest-room.ts";
export { annotations, mediaTypes } from "./media-types.ts";
export { isRunName, nameWord, runNameRule } from "./names.ts";
export { parseRecipe } from "./parse-recipe.ts";
export { readLicences } from "./read-licences.ts";
export { layerOf, ManifestError, type ReadManifest, readManifest } from "./read-manifest.ts";
export { canonicalRecipe, inputOf, inputsByRole, inputsOf, type Recipe, RecipeError, recipeInputs, recipeKey } from "./recipe.ts";
export type {
  Barrier,
  BarrierSummary,
  Calibration,
  ConfidenceBin,
  EvaluationResult,
  Measurement,
  PredictionScore,
  Score,
  TrainingCurve,
  TrainingSummary,
} from "./results.ts";
