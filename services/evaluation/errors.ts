/** One field of a request and what is wrong with it. */
export type Violation = { readonly field: string; readonly description: string };

/** The recipe asks for something that cannot be measured. The caller has to change it. */
export class InvalidEvaluationError extends Error {
  override readonly name = "InvalidEvaluationError";
  readonly violations: readonly Violation[];
  constructor(violations: readonly Violation[], options?: ErrorOptions) {
    super(violations.map(({ field, description }) => `${field} ${description}`).join("; "), options);
    this.violations = violations;
  }
}

/** A worker thread ended in the middle of a job. */
export class WorkerCrashedError extends Error {
  override readonly name = "WorkerCrashedError";
}
