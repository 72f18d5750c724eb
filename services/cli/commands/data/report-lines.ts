import type { ImageReport } from "#libs/image-sets";
import type { RecordReport } from "#libs/record-sets";
import { counted, fewLines } from "#libs/text";
import { bytes, columns } from "../../format.ts";
import { type Line, type Style, span } from "../../render/line.ts";

const STYLES: { readonly [severity in ImageReport["problems"][number]["severity"]]: Style } = { error: "red", warning: "yellow" };
/** More classes or domains make no table that anybody reads. */
const MOST_CLASSES = 25;
const MOST_DOMAINS = 6;

/** What both kinds of reports say: images are counted, or records. */
type Report = Omit<ImageReport, "smallest" | "largest">;

/** A report as people read it: what there is, the first problems of each kind, and whether it can be used; `--json` has all. */
export function imageReportLines(report: ImageReport, width: number): Generator<Line> {
  return reportLines(report, { thing: "image", more: sizes(report) }, width);
}

/** The same of records. */
export function recordReportLines({ records, domains, ...report }: RecordReport, width: number): Generator<Line> {
  const counts = domains.map(({ records: images, classes, ...domain }) => ({
    ...domain,
    images,
    classes: classes.map((label) => ({ class: label.class, images: label.records })),
  }));
  return reportLines({ ...report, images: records, domains: counts }, { thing: "record", more: [] }, width);
}

function* reportLines(
  report: Report,
  { thing, more }: { readonly thing: string; readonly more: readonly string[] },
  width: number,
): Generator<Line> {
  const { path, images, domains, classes, problems } = report;
  const facts = [
    counted(images, thing),
    bytes(report.bytes),
    counted(domains.length, "domain"),
    counted(classes.length, "class", "classes"),
    ...more,
  ];
  yield [span(path, "bold"), span(`  ${facts.join(", ")}`)];
  if (domains.length > 0) {
    yield [];
    yield* tableLines(["domain", `${thing}s`, "size", "classes", `fewest ${thing}s of a class`], domains.map(domainRow), width);
  }
  if (classes.length <= MOST_CLASSES && domains.length <= MOST_DOMAINS && domains.length > 1) {
    yield [];
    yield* tableLines(["class", ...domains.map(({ domain }) => domain)], classRows(report), width);
  }
  yield [];
  for (const severity of ["error", "warning"] as const) {
    const messages = problems.filter((problem) => problem.severity === severity).map(({ message }) => message);
    for (const message of fewLines(messages, { where: "--json" })) yield [span(severity.padEnd(9), STYLES[severity]), span(message)];
  }
  yield verdict(report, thing);
}

function sizes({ smallest, largest }: ImageReport): string[] {
  if (smallest === null || largest === null) return [];
  const [least, most] = [smallest, largest].map(({ width, height }) => `${width} x ${height}`);
  return [least === most ? `${least} pixels` : `${least} to ${most} pixels`];
}

function domainRow({ domain, images, bytes: size, classes }: Report["domains"][number]): string[] {
  const fewest = classes.reduce((least, next) => (next.images < least.images ? next : least), classes[0]!);
  return [domain, String(images), bytes(size), String(classes.length), `${fewest.images} of ${fewest.class}`];
}

function classRows({ classes, domains }: Report): string[][] {
  const countOf = (label: string) =>
    domains.map(({ classes: counts }) => String(counts.find((count) => count.class === label)?.images ?? 0));
  return classes.map((label) => [label, ...countOf(label)]);
}

function* tableLines(head: readonly string[], rows: readonly (readonly string[])[], width: number): Generator<Line> {
  const [first = "", ...others] = columns(head, rows, width).trimEnd().split("\n");
  yield [span(first, "dim")];
  for (const line of others) yield [span(line)];
}

function verdict({ problems }: Report, thing: string): Line {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  if (errors > 0) return [span("not usable", "red"), span(`: ${counted(errors, "error")} to be mended first.`)];
  if (warnings > 0)
    return [
      span("usable", "yellow"),
      span(`: nothing forbids to train on these ${thing}s, but look at ${warnings === 1 ? "the warning" : "the warnings"} first.`),
    ];
  return [span("usable", "green"), span(": nothing was found.")];
}
