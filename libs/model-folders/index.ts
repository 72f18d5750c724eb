export { companionsOf, isOfTokenizer, licenceFilesOf, sayDifferences } from "./companions.ts";
export { type ConfigChanges, libraryOf, mergedConfig } from "./config.ts";
export { type DigestsOptions, digestsOf, unknownBytes } from "./digests.ts";
export { lockOutput, requireWritableOutput } from "./lock-output.ts";
export { type MadeFile, rememberMade, whatWasMade } from "./made.ts";
export { type Output, outputOf, pathIn } from "./output.ts";
export type { Reading } from "./reading.ts";
export { rememberDigests } from "./remember-digests.ts";
export {
  dropSideFiles,
  existing,
  existsSentence,
  isAnyBegun,
  isOneOf,
  publishSideFiles,
  refuseExisting,
  removeOtherWeights,
  type SideFile,
  stageSideFiles,
  wasBegun,
} from "./side-files.ts";
