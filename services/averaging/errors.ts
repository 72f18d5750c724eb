import { fewLines, quote } from "#libs/text";

/** One reason for which models cannot be averaged: a tensor, or in parentheses what else it is of. `problem` names models by their place. */
export type Mismatch = { readonly tensor: string; readonly problem: string };

/** One field of a request and what is wrong with it. */
export type Violation = { readonly field: string; readonly description: string };

/** The recipe asks for something that is not an average of models. The caller has to change it. */
export class InvalidAverageError extends Error {
  override readonly name = "InvalidAverageError";
  readonly violations: readonly Violation[];

  constructor(violations: readonly Violation[], options?: ErrorOptions) {
    super(violations.map(({ field, description }) => `${field} ${description}`).join("; "), options);
    this.violations = violations;
  }
}

/** The models have no common form. The message names the first tensors concerned and counts the others; `mismatches` has all. */
export class IncompatibleModelsError extends Error {
  override readonly name = "IncompatibleModelsError";
  readonly mismatches: readonly Mismatch[];

  constructor(mismatches: readonly Mismatch[]) {
    const lines = mismatches.map(({ tensor, problem }) => `${quote(tensor)}: ${problem}`);
    super(`the models cannot be averaged: ${fewLines(lines).join(" | ")}`);
    this.mismatches = mismatches;
  }
}

/** The average has a number that is not finite. The message names the tensor, the element and the model, if it is a model's fault. */
export class NotFiniteError extends Error {
  override readonly name = "NotFiniteError";
}
