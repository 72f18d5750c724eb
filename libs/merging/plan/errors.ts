import { fewLines } from "#libs/text";

/** What is asked for cannot be merged: every reason, each one sentence. */
export class MergePlanError extends Error {
  override readonly name = "MergePlanError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.length === 1 ? problems[0] : `${problems.length} things stand in the way:\n  ${fewLines(problems).join("\n  ")}`);
    this.problems = problems;
  }
}
