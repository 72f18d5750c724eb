import { join } from "node:path";
import { giveWay } from "#libs/concurrency";
import {
  CLASSES_FILE,
  createFindings,
  declaredClasses,
  type Entries,
  entriesOf,
  type Findings,
  ImageSetError,
  isGoodName,
  reportCounts,
  rootEntries,
  storedExtension,
} from "#libs/image-sets";
import { didYouMean, quote } from "#libs/text";
import type { LabelledRecord, RecordGroup, RecordSet } from "../types.ts";
import { classFiles } from "./class-files.ts";
import { csvRows } from "./csv-rows.ts";
import { jsonLines } from "./json-lines.ts";
import type { ReadRow, Row } from "./rows.ts";

/** Files beside the domains that say something of them. */
const BESIDE: readonly string[] = [CLASSES_FILE, "source.json"];
const EXPECTED = "expected DOMAIN.jsonl, DOMAIN.csv or domain/class/file";
/** Records between two pauses. */
const STEP = 4096;

/** A domain, where it lies and how it is read. */
type Domain = { readonly name: string; readonly path: string; readonly rows: (findings: Findings) => AsyncIterable<ReadRow> };

/**
 * Looks through a folder of records and says what is there, and what is wrong with it. Each domain is a file of JSON lines, `DOMAIN.jsonl`, a
 * list `DOMAIN.csv`, or a folder of classes with files of any type. All labels are read; of memory it takes what one line has.
 * @throws ImageSetError where there is no such folder, or it cannot be read, and the signal's reason
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("news.jsonl"), '{"label":"noun","word":"jury"}\n{"label":"verb","word":"said"}\n');
 * await writeFile(directory.join("fiction.jsonl"), '{"label":"noun","word":"sea"}\n');
 * const { domains, classes, problems } = await readRecordSet(directory.path);
 * [domains, classes]; // [["fiction", "news"], ["noun", "verb"]]
 * problems[0]?.message; // "the class \"verb\" has no record in the domain \"fiction\""
 * ```
 */
export async function readRecordSet(path: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<RecordSet> {
  const root = await rootEntries(path, "records", EXPECTED.slice("expected ".length));
  const findings = createFindings("record");
  const declared = await declaredClasses(path, root.files);
  const domains = domainsOf(path, root, findings);
  const counts = new Map<string, { domain: string; class: string; count: number; bytes: number }>();
  let [withItem, row] = [0, 0];
  for (const domain of domains) {
    let own = 0;
    for await (const found of domain.rows(findings)) {
      if (row++ % STEP === 0) {
        await giveWay();
        signal?.throwIfAborted();
      }
      if ("wrong" in found) findings.report("error", found.kind, `${found.where} ${found.wrong}`);
      else if (declared !== undefined && !declared.includes(found.class)) reportStranger(domain, found, declared, findings);
      else {
        own++;
        const key = JSON.stringify([domain.name, found.class]);
        const known = counts.get(key) ?? { domain: domain.name, class: found.class, count: 0, bytes: 0 };
        counts.set(key, known);
        known.count++;
        known.bytes += found.bytes;
        if (found.item !== undefined) withItem++;
      }
    }
    if (own === 0 && !findings.failed()) findings.report("error", "no-records", `there is no record in ${quote(domain.path)}: ${EXPECTED}`);
  }
  const groups = [...counts.values()].sort(byDomainAndClass);
  const names = domains.map(({ name }) => name).filter((name) => groups.some(({ domain }) => domain === name));
  if (domains.length === 0 && !findings.failed()) findings.report("error", "no-records", `there is no record in ${path}: ${EXPECTED}`);
  const present = new Set(groups.map((group) => group.class));
  const classes = declared?.filter((name) => present.has(name)) ?? [...present].sort();
  if (names.length === 1)
    findings.report(
      "warning",
      "one-domain",
      `${path} has one domain, ${quote(names[0]!)}: nothing can be held out, so it can be an auxiliary task, and no target with held-out domains`,
    );
  reportCounts({ domains: names, classes: declared ?? classes, groups }, findings, "record");
  return { path, domains: names, classes, groups, withItem, problems: findings.problems(), records: () => recordsOf(domains) };
}

/** Whether a folder looks like one of records: it has lists of them right in it, or files in its classes that are no images. */
export async function isRecordFolder(path: string): Promise<boolean> {
  const root = await entriesOf(path).catch(() => undefined);
  if (root === undefined) return false;
  if (root.files.some((name) => /\.(jsonl|csv)$/i.test(name) && !BESIDE.includes(name))) return true;
  for (const domain of root.folders) {
    const { folders, files } = await entriesOf(join(path, domain));
    if (files.length > 0) return false;
    for (const label of folders) {
      const [first] = (await entriesOf(join(path, domain, label))).files;
      if (first !== undefined) return storedExtension(first) === undefined;
    }
  }
  return false;
}

/** The domains of a root, in the order of their names; what else is there is told of. */
function domainsOf(root: string, { files, folders, hidden }: Entries, findings: Findings): Domain[] {
  const found: Domain[] = [];
  for (const name of files) {
    const path = join(root, name);
    const list = /^(.+)\.(jsonl|csv)$/i.exec(name);
    if (storedExtension(name) !== undefined)
      findings.report(
        "error",
        "mixed",
        `${quote(path)} is an image among records: a data set is of images (\`images\` in a run file) or of records`,
      );
    else if (list === null) {
      if (!BESIDE.includes(name)) findings.leftOut(name);
    } else if (isGoodName(root, name, findings)) {
      const rows = list[2]!.toLowerCase() === "csv" ? csvRows : jsonLines;
      found.push({ name: list[1]!, path, rows: () => rows(path) });
    }
  }
  for (const name of hidden) findings.leftOut(name);
  for (const name of folders) {
    const path = join(root, name);
    if (isGoodName(root, name, findings)) found.push({ name, path, rows: (told) => classFiles(path, told) });
  }
  for (const [i, { name, path }] of found.entries()) {
    const before = found.findIndex((other) => other.name === name);
    if (before < i)
      findings.report(
        "error",
        "name",
        `${quote(found[before]!.path)} and ${quote(path)} are one domain, ${quote(name)}: put them into one`,
      );
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function reportStranger({ path }: Domain, { class: label, name }: Row, classes: readonly string[], findings: Findings): void {
  const hint = didYouMean(label, classes, `${CLASSES_FILE} lists ${classes.length}`);
  findings.report("error", "unknown-class", `${path}, record ${name}: there is no class ${quote(label)}; ${hint}`);
}

async function* recordsOf(domains: readonly Domain[]): AsyncGenerator<LabelledRecord, void, undefined> {
  const silent = createFindings("record");
  for (const domain of domains) {
    for await (const row of domain.rows(silent)) {
      if ("wrong" in row) throw new ImageSetError(`${row.where} ${row.wrong}`);
      const { class: label, name, item } = row;
      yield { domain: domain.name, class: label, name, ...(item === undefined ? {} : { item }), content: contentOf(row, domain) };
    }
  }
}

function contentOf(row: Row, { path }: Domain): Uint8Array {
  try {
    return row.content();
  } catch (cause) {
    throw new ImageSetError(`${path}: the record ${row.name} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function byDomainAndClass(a: RecordGroup, b: RecordGroup): number {
  const [first, second] = a.domain === b.domain ? [a.class, b.class] : [a.domain, b.domain];
  return first < second ? -1 : 1;
}
