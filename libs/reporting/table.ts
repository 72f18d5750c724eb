import { columnsOf } from "#libs/text";
import { aligned } from "./aligned.ts";
import { heldOutItemsText } from "./held-out-items.ts";
import { methodTexts } from "./methods.ts";
import type { Report, TableRow } from "./report.ts";
import { judge, type Verdict, verdictRule } from "./verdict.ts";
import { counted, points, withError } from "./words.ts";

/** What a verdict is called in tables. */
export const verdictWords: { readonly [V in Verdict]: string } = {
  better: "better",
  worse: "worse",
  tie: "no difference",
  open: "not decided",
  "few-seeds": "too few seeds",
};

/**
 * The results as text: method x held-out domain, accuracy in percent, mean ± standard error over seeds. Ends with a line break.
 * @param width columns that there are: what does not fit moves together, and then goes on below. By default there is no limit
 * @example
 * ```ts
 * const columns = [{ heldOut: "0°", mean: 0.905, sem: null }];
 * const table = [{ method: "soup", columns, mean: 0.905, sem: null }];
 * const text = renderTable({ task: { heldOut: ["0°"], seeds: [10] }, table });
 * text.split("\n").slice(2, 4); // ["method     0°   mean", "soup     90.5   90.5"]
 * ```
 */
export function renderTable(report: Report, width = Number.POSITIVE_INFINITY): string {
  const heads = ["method", ...report.task.heldOut, "mean"];
  const rows = report.table.map((row) => [methodTexts[row.method].label, ...cells(row)]);
  const whole = SPACINGS.map((spacing) => blocksOf([heads, ...rows], spacing, width));
  const blocks = whole.find(({ length }) => length === 1) ?? whole.at(-1)!;
  return [...captions(report), ...blocks.flatMap((lines) => ["", ...lines]), ""].join("\n");
}

/** Between columns, and around "±": the first of them with which a table fits is taken. */
const SPACINGS: readonly { readonly gap: string; readonly sign: string }[] = [
  { gap: "   ", sign: " ± " },
  { gap: "  ", sign: " ± " },
  { gap: "  ", sign: "±" },
];

/** Lines of a table whose first row is its head; where it is wider than the terminal the other columns go on below, beside the first again. */
function blocksOf(rows: readonly (readonly string[])[], { gap, sign }: (typeof SPACINGS)[number], width: number): string[][] {
  const texts = rows.map((row) => row.map((text) => text.replace(" ± ", sign)));
  const widths = texts[0]!.map((_, i) => Math.max(...texts.map((row) => columnsOf(row[i]!))));
  const [first = 0, ...others] = widths;
  const blocks: number[][] = [];
  let used = 0;
  for (const [i, columns] of others.entries()) {
    used += gap.length + columns;
    if (blocks.length > 0 && used <= width) blocks.at(-1)!.push(i + 1);
    else {
      blocks.push([i + 1]);
      used = first + gap.length + columns;
    }
  }
  return blocks.map((columns) =>
    aligned(
      texts.map((row) => [0, ...columns].map((i) => row[i]!)),
      gap,
    ),
  );
}

/** The report as Markdown: sentences, results, paired differences, and the analysis. Ends with a line break. */
export function renderMarkdown(report: Report): string {
  const { analysis } = report;
  const results = markdownTable(
    ["method", ...report.task.heldOut, "mean"],
    report.table.map((row) => [
      methodTexts[row.method].label,
      ...cells(row).map((text, i, all) => (i === all.length - 1 ? `**${text}**` : text)),
    ]),
  );
  const differences = markdownTable(
    ["difference", "points", "won / tied / lost", "verdict"],
    report.differences.map((difference) => [
      `${methodTexts[difference.a].label} − ${methodTexts[difference.b].label}`,
      withError(difference.mean, difference.sem, { signed: true }),
      `${difference.won} / ${difference.tied} / ${difference.lost}`,
      verdictWords[judge(difference)],
    ]),
  );
  const barriers = markdownTable(
    ["set", "measured on", "mean barrier", "largest"],
    analysis.barriers.map(({ set, domain, mean, sem, max }) => [
      set,
      domain === "held-out" ? "held-out domain" : "validation",
      withError(mean, sem, { decimals: 2 }),
      points(max),
    ]),
  );
  const diversity = markdownTable(
    ["set", "ratio-error"],
    analysis.diversity.map(({ set, ratioError, sem }) => [
      set,
      sem === null ? ratioError.toFixed(2) : `${ratioError.toFixed(2)} ± ${sem.toFixed(2)}`,
    ]),
  );
  return [
    report.sentences.map((text) => `- ${text}`).join("\n"),
    captions(report).join(" "),
    results,
    `Paired differences in points: mean ± standard error over seeds of each seed's mean over the held-out domains; cells are seeds x domains. ${verdictRule(report.task.seeds.length)}`,
    differences,
    "Midpoint barriers in points of accuracy: what is lost halfway between two members (negative: gained).",
    barriers,
    "Diversity on the held-out domain: examples that exactly one of two members gets wrong, over examples that both get wrong.",
    diversity,
    "",
  ].join("\n\n");
}

function captions({ task }: Report): string[] {
  const error = task.seeds.length > 1 ? `, mean ± standard error over ${counted(task.seeds.length, "seed")}` : ` (${counted(1, "seed")})`;
  const items = heldOutItemsText(task.heldOutItems);
  return [...(items === undefined ? [] : [items]), `Accuracy in % on the held-out domain${error}:`];
}

function cells(row: TableRow): string[] {
  return [...row.columns, row].map(({ mean, sem }) => (mean === null ? "–" : withError(mean, sem)));
}

function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (texts: readonly string[]) => `| ${texts.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}
