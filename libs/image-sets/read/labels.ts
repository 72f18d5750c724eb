import { join } from "node:path";
import { counted, fewLines, quote } from "#libs/text";
import type { ImageGroup } from "../types.ts";
import type { Domain } from "./class-folders.ts";
import { type Classes, isKnownClass } from "./classes.ts";
import { CsvError, parseCsv } from "./csv.ts";
import { distinct } from "./distinct.ts";
import type { Entries } from "./entries.ts";
import type { Findings } from "./findings.ts";
import { textOf } from "./text-of.ts";
import { imagesBelow, isGoodName } from "./walk.ts";

/** What a list of labels is called, where there are other CSV files or folders of classes beside it. */
const LABELS_FILE = "labels.csv";

/** The CSV with the labels of a domain: `labels.csv`, or the only one where the folder would be none otherwise. */
export function labelsFile({ files, folders }: Entries): string | undefined {
  if (files.includes(LABELS_FILE)) return LABELS_FILE;
  const lists = files.filter((name) => name.toLowerCase().endsWith(".csv"));
  return lists.length === 1 && folders.length <= 1 ? lists[0] : undefined;
}

/**
 * Reads a domain whose images have their classes in a CSV with the columns `file` and `class`; files are named from the domain's folder. A
 * column `item` says what each shows, where that is not the name of the file.
 */
export async function readLabels(directory: string, domain: string, file: string, classes: Classes, findings: Findings): Promise<Domain> {
  const path = join(directory, file);
  const there = new Set(await imagesBelow(directory, { ...findings, leftOut: () => undefined }));
  const classOf = new Map<string, string>();
  const items = new Map<string, string>();
  const wrong = (line: number, kind: "labels" | "missing-file" | "duplicate-row", message: string) =>
    findings.report("error", kind, `${path} line ${line}: ${message}`);
  let columns: { readonly file: number; readonly class: number; readonly item: number; readonly count: number } | undefined;
  try {
    for await (const { line, fields } of parseCsv(textOf(path))) {
      if (columns === undefined) {
        const head = fields.map((field) => field.trim().toLowerCase());
        columns = { file: head.indexOf("file"), class: head.indexOf("class"), item: head.indexOf("item"), count: head.length };
        if (columns.file >= 0 && columns.class >= 0) continue;
        wrong(line, "labels", `expected a head with the columns file and class, separated by commas, found ${quote(fields.join(","))}`);
        return { groups: [], loose: 0 };
      }
      if (fields.length !== columns.count) {
        wrong(line, "labels", `expected ${counted(columns.count, "field")} as in the head, found ${fields.length}`);
        continue;
      }
      const name = fields[columns.file]!.replace(/^(?:\.\/)+/, "");
      const label = fields[columns.class]!.trim();
      const item = columns.item < 0 ? "" : fields[columns.item]!.trim();
      const before = classOf.get(name);
      if (label === "") wrong(line, "labels", `the class of ${quote(name)} is empty`);
      else if (!there.has(name)) wrong(line, "missing-file", `there is no image ${quote(name)} in ${directory}`);
      else if (before === undefined) {
        if (!isGoodName(directory, label, findings) || !isKnownClass(label, classes, `${path} line ${line}`, findings)) continue;
        if (item !== "" && !isGoodName(directory, item, findings)) continue;
        classOf.set(name, label);
        if (item !== "") items.set(name, item);
      } else if (before !== label)
        wrong(line, "duplicate-row", `${quote(name)} is of the class ${quote(label)} here, and of ${quote(before)} before`);
      else findings.report("warning", "duplicate-row", `${path} line ${line}: ${quote(name)} has a row before with the same class`);
    }
  } catch (error) {
    if (!(error instanceof CsvError || error instanceof TypeError)) throw error;
    findings.report("error", "labels", error instanceof CsvError ? `${path} ${error.message}` : `${path} is not UTF-8`);
    return { groups: [], loose: 0 };
  }
  if (columns === undefined) findings.report("error", "labels", `${path} is empty: expected a head with the columns file and class`);
  const without = [...there].filter((name) => !classOf.has(name));
  if (without.length > 0) {
    const named = fewLines(
      without.map((name) => quote(name)),
      { most: 3 },
    ).join(", ");
    findings.report(
      "warning",
      "unlabelled",
      `${counted(without.length, "image")} in ${directory} ${without.length === 1 ? "is" : "are"} in no row of ${file} that counts, and left out: ${named}`,
    );
  }
  return { groups: groupsOf(directory, domain, classOf, items), loose: 0 };
}

function groupsOf(
  directory: string,
  domain: string,
  classOf: ReadonlyMap<string, string>,
  items: ReadonlyMap<string, string>,
): ImageGroup[] {
  const names = new Map<string, string[]>();
  for (const [name, label] of classOf) {
    const known = names.get(label);
    if (known === undefined) names.set(label, [name]);
    else known.push(name);
  }
  return distinct(names.keys()).map((label) => ({
    domain,
    class: label,
    names: names.get(label)!.sort(),
    contentOf: (name) => ({ path: join(directory, name) }),
    ...(items.size > 0 ? { items } : {}),
  }));
}
