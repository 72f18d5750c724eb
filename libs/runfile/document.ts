import { type Document, LineCounter, parseDocument } from "yaml";
import type { Source } from "./field.ts";
import { type Problem, RunFileError } from "./problems.ts";

/** A run file as YAML. @throws RunFileError if it is none, or empty. */
export function openDocument(
  text: string,
  path: string,
): Source & { readonly document: { readonly contents: NonNullable<Document["contents"]> } } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false });
  const problem = syntaxProblem(document, lines);
  if (problem !== undefined) throw new RunFileError(path, [problem]);
  if (document.contents === null) throw new RunFileError(path, [{ line: 1, column: 1, message: "the run file is empty" }]);
  return { document, lines, problems: [] } as ReturnType<typeof openDocument>;
}

/** The first thing that is not YAML; what follows it is mostly its consequence. */
function syntaxProblem(document: Document.Parsed, lines: LineCounter): Problem | undefined {
  const error = document.errors[0];
  if (error === undefined) return undefined;
  const { line, col } = lines.linePos(error.pos[0]);
  const reason = error.message.split("\n")[0]!.replace(/[.:]$/, "");
  return { line, column: col, message: `not YAML at line ${line}, column ${col}: ${reason}` };
}
