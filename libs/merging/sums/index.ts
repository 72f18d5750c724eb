export { SumsError, type SumsErrorKind } from "./errors.ts";
export { foldSums } from "./fold-sums.ts";
export { openSums, type SumsContent, type SumsFile } from "./format.ts";
export { type SumRule, type SumTensor, sumsLayout } from "./layout.ts";
export type { ListedMember, Membership, SumMember } from "./members.ts";
export type { SumsProgress, SumsSources } from "./prepare.ts";
export {
  type PreparedRounded,
  type PreparedUpdate,
  prepareRounded,
  prepareUpdate,
  type RoundOptions,
  type RoundResultFiles,
  roundSums,
} from "./round-sums.ts";
