/**
 * What cannot be summed, and why, in one sentence.
 * layout: the model has other tensors than the sums. not-finite: a NaN or an infinity. overflow: the average has a
 * number that is too large for its type. disagree: whole numbers differ.
 * weight: a weight that is not finite or out of bounds. member: it is in the sums already, or it is not. damaged: not a file of sums.
 * changed: a file was changed while it was read.
 */
export type SumsErrorKind = "layout" | "not-finite" | "overflow" | "disagree" | "weight" | "member" | "damaged" | "changed";

/** A member, or a file of sums, that cannot be used. Nothing was written. */
export class SumsError extends Error {
  override readonly name = "SumsError";
  readonly kind: SumsErrorKind;
  /** The tensor concerned, where it is one. */
  readonly tensor: string | undefined;
  /** Index of the member concerned among those that were given, where it is one. */
  readonly member: number | undefined;

  constructor(kind: SumsErrorKind, message: string, where: { tensor?: string | undefined; member?: number | undefined } = {}) {
    super(message);
    this.kind = kind;
    this.tensor = where.tensor;
    this.member = where.member;
  }
}
