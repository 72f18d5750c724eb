import { fewLines } from "#libs/text";

/** Something wrong in a configuration. Line and column count from 1. */
export type ConfigProblem = { readonly line: number; readonly column: number; readonly message: string };

/** A mergekit configuration that cannot be carried out: every reason, in the order of lines. Each message names the field and its line. */
export class MergekitError extends Error {
  override readonly name = "MergekitError";
  readonly path: string;
  readonly problems: readonly ConfigProblem[];

  constructor(path: string, problems: readonly ConfigProblem[]) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
    const messages = sorted.map(({ message }) => message);
    super(
      messages.length === 1 ? `${path}: ${messages[0]}` : `${path} has ${messages.length} mistakes:\n  ${fewLines(messages).join("\n  ")}`,
    );
    this.path = path;
    this.problems = sorted;
  }
}
