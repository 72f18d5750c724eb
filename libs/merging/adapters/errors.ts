/** Adapters that cannot be taken: every reason, each one sentence that names the adapter. */
export class AdapterError extends Error {
  override readonly name = "AdapterError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.length === 1 ? problems[0] : `${problems.length} things stand in the way:\n  ${problems.join("\n  ")}`);
    this.problems = problems;
  }
}
