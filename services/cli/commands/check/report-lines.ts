import type { CompatibilityReport, Finding, ModelSummary, WeightsReport } from "#libs/merging";
import { counted, moreLine } from "#libs/text";
import { bytes, columns } from "../../format.ts";
import { shownOf } from "../../models/finding-lines.ts";
import { type Line, type Span, type Style, span } from "../../render/line.ts";

const STYLES: { readonly [severity in Finding["severity"]]: Style } = { error: "red", warning: "yellow", note: "dim" };
const VERDICTS: { readonly [verdict in CompatibilityReport["verdict"]]: readonly [Span, string] } = {
  compatible: [span("compatible", "green"), ": these models may be averaged."],
  suspicious: [span("suspicious", "yellow"), ": nothing forbids to average these models, but look at the warnings first."],
  incompatible: [span("incompatible", "red"), ": these models cannot be averaged as they are."],
};
// Beyond, the tables say what is extreme, and --json has the rest.
const MOST_COLUMNS = 6;
const MOST_LAYERS = 40;

/** A report as people read it: every finding, and of their tensors some ten; `--json` has all. */
export function* reportLines(report: CompatibilityReport, width: number): Generator<Line> {
  const { models, base, findings, licence, weights } = report;
  for (const [i, model] of models.entries()) yield [...(models.length > 1 ? [span(`${i + 1}  `, "dim")] : []), ...modelLine(model)];
  if (base !== undefined) yield [span("base  ", "dim"), span(base, "bold")];
  yield [];
  const [verdict, what] = VERDICTS[report.verdict];
  yield [{ ...verdict, style: verdict.style! }, span(what)];
  for (const { severity, sentence, tensors, more } of shownOf(findings)) {
    yield [span(`  ${severity.padEnd(8)}`, STYLES[severity]), span(sentence)];
    for (const tensor of tensors) yield [span(`            ${tensor}`)];
    if (more > 0) yield [span(`            ${moreLine(more, "--json")}`, "dim")];
  }
  if (licence !== undefined) yield [span("  licence ", "dim"), span(`of what is made of them: ${licence}`)];
  if (weights !== undefined) yield* weightsLines(weights, width);
}

function modelLine({ name, tensors, numbers, dtypes, architecture, foundation, licences }: ModelSummary): Line {
  const facts = [
    `${count(numbers)} numbers in ${counted(tensors, "tensor")}`,
    dtypes.join(" and "),
    ...(architecture === undefined ? [] : [architecture]),
    ...(foundation === undefined ? [] : [`from ${foundation}`]),
    licences.length > 0 ? licences.join(" and ") : "no licence named",
  ];
  return [span(name, "bold"), span(`  ${facts.join(", ")}`)];
}

function* weightsLines({ reference, readBytes, models, cosines, layers }: WeightsReport, width: number): Generator<Line> {
  const signed = models.some(({ signAgreement }) => signAgreement !== undefined);
  const sign = reference === "base" ? "sign of the sum of changes" : "sign of the sum of weights";
  yield [];
  yield [
    span(
      `weights, ${bytes(readBytes)} read; ${signed ? `distances are to the ${reference}` : "of what the adapters add to their base"}`,
      "bold",
    ),
  ];
  const numbered = cosines !== undefined && models.length > 1 && models.length <= MOST_COLUMNS;
  const head = [
    "  model",
    "norm",
    ...(signed ? ["distance", "relative", sign] : []),
    ...(numbered ? models.map((_, i) => `cos ${i + 1}`) : []),
  ];
  const rows = models.map(({ name, norm, distance, signAgreement }, k) => [
    `  ${k + 1} ${name}`,
    digits(norm),
    ...(signed ? [digits(distance), percent(norm > 0 ? distance / norm : 0), percent(signAgreement ?? 1)] : []),
    ...(numbered ? cosines[k]!.map((cosine) => cosine.toFixed(3)) : []),
  ]);
  yield* tableLines(head, rows, width);
  if (layers.length === 0) return;
  yield [];
  const shown = layers.slice(0, MOST_LAYERS);
  const wide = models.length <= MOST_COLUMNS;
  yield* tableLines(
    ["  layer", "numbers", ...(wide ? models.map((_, i) => `model ${i + 1}`) : ["least", "median", "most"])],
    shown.map(({ layer, numbers, distances }) => {
      const sorted = [...distances].sort((a, b) => a - b);
      const values = wide ? distances : [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!];
      return [`  ${layer}`, count(numbers), ...values.map(percent)];
    }),
    width,
  );
  if (layers.length > shown.length) yield [span(`  ${moreLine(layers.length - shown.length, "--json")}`, "dim")];
}

function* tableLines(head: readonly string[], rows: readonly (readonly string[])[], width: number): Generator<Line> {
  const [first = "", ...others] = columns(head, rows, width).trimEnd().split("\n");
  yield [span(first, "dim")];
  for (const line of others) yield [span(line)];
}

function count(numbers: number): string {
  if (numbers < 1e4) return String(numbers);
  const [value, unit] = numbers < 1e6 ? [numbers / 1e3, "k"] : numbers < 1e9 ? [numbers / 1e6, "M"] : [numbers / 1e9, "G"];
  return `${digits(value)} ${unit}`;
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${digits(100 * share)} %`;
}
