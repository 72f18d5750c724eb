import { CsvError, parseCsv, textOf } from "#libs/image-sets";
import { canonicalJson } from "#libs/recipes";
import { counted, quote } from "#libs/text";
import { labelOf, type ReadRow } from "./rows.ts";

/**
 * The records of a file of comma-separated values (RFC 4180, UTF-8) with a head: a column `label` has the classes, a column `item`, where
 * there is one, what each shows. The record is the row as a canonical JSON object (RFC 8785) of texts, with all columns.
 */
export async function* csvRows(path: string): AsyncGenerator<ReadRow, void, undefined> {
  let columns: readonly string[] | undefined;
  try {
    for await (const { line, fields } of parseCsv(textOf(path))) {
      const where = `${path} line ${line}:`;
      if (columns === undefined) {
        columns = fields.map((field) => field.trim());
        const wrong = headProblem(columns);
        if (wrong === undefined) continue;
        yield { where, wrong, kind: "labels" };
        return;
      }
      if (fields.length !== columns.length) {
        yield { where, wrong: `expected ${counted(columns.length, "field")} as in the head, found ${fields.length}`, kind: "line" };
        continue;
      }
      const row = Object.fromEntries(columns.map((name, i) => [name, fields[i]!]));
      const label = labelOf(row);
      if (typeof label === "string") yield { where, wrong: label, kind: "labels" };
      else {
        const bytes = Buffer.from(canonicalJson(row));
        yield { ...label, name: String(line), bytes: bytes.length, content: () => bytes };
      }
    }
  } catch (cause) {
    if (cause instanceof CsvError)
      yield { where: `${path} line ${cause.line}:`, wrong: cause.message.replace(/^line \d+: /, ""), kind: "line" };
    else if (cause instanceof TypeError) yield { where: `${path}`, wrong: "is not UTF-8", kind: "line" };
    else throw cause;
  }
}

function headProblem(columns: readonly string[]): string | undefined {
  if (!columns.includes("label")) return `expected a head with a column label, separated by commas, found ${quote(columns.join(","))}`;
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  return twice === undefined ? undefined : `the head has the column ${quote(twice)} twice`;
}
