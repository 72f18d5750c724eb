import { fewLines } from "#libs/text";

/** Something wrong in a run file. Line and column count from 1. */
export type Problem = { readonly line: number; readonly column: number; readonly message: string };

/** A run file with mistakes: all of them, in the order of lines. Each message is one sentence that says the line and what would be right. */
export class RunFileError extends Error {
  override readonly name = "RunFileError";
  readonly path: string;
  readonly problems: readonly Problem[];

  constructor(path: string, problems: readonly Problem[]) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
    const messages = sorted.map(({ message }) => message);
    super(
      messages.length === 1 ? `${path}: ${messages[0]}` : `${path} has ${messages.length} mistakes:\n  ${fewLines(messages).join("\n  ")}`,
    );
    this.path = path;
    this.problems = sorted;
  }
}
