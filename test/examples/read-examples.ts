/** An example in the comment of an exported function. */
export type Example = { readonly of: string; readonly code: string };

/** The examples in a source file: what follows `@example` in the comment before an export, with or without a fence. */
export function readExamples(source: string): Example[] {
  return [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export (?:async )?(?:function\*?|class|const|type) (\w+)/g)].flatMap(
    ([, comment = "", of = ""]) => {
      const text = comment.replace(/^[ \t]*\* ?/gm, "");
      const pieces = text.split(/^ ?@example[ \t]*\n?/m).slice(1);
      return pieces.map((piece) => ({ of, code: code(piece) }));
    },
  );
}

/** Without the fence, and without the tags that follow. */
function code(piece: string): string {
  return piece
    .split(/^ ?@\w/m)[0]!
    .replace(/^\s*```\w*\n|\n\s*```\s*$/g, "")
    .trim();
}

/**
 * An example as the body of a function in which `assert` is node:assert/strict: a statement that ends in a comment with a value, as in
 * `square(3); // 9`, has to have that value. Any other comment stays one.
 */
export function asTest(code: string): string {
  return code.replace(
    /^(?!\s*(?:(?:const|let|using|await using|for|if|import)\b|\/\/))(\s*)([^\n]*?);?[ \t]*\/\/ (.+)$/gm,
    (line, indent, expression, comment) => (isExpression(comment) ? `${indent}assert.deepEqual(${expression}, ${comment});` : line),
  );
}

function isExpression(text: string): boolean {
  try {
    new Function(`return (${text});`);
    return true;
  } catch {
    return false;
  }
}
