/** Adapters that cannot be averaged: every reason, each one sentence that names the adapter. */
export class AdapterError extends Error {
  override readonly name = "AdapterError";
  readonly problems: readonly string[];
  /** busy: another process makes the same output. */
  readonly kind: "input" | "busy";

  constructor(problems: readonly string[], kind: "input" | "busy" = "input") {
    super(problems.length === 1 ? problems[0] : `${problems.length} things stand in the way:\n  ${problems.join("\n  ")}`);
    this.problems = problems;
    this.kind = kind;
  }
}
