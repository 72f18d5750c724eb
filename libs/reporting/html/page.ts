import type { Report } from "../report.ts";
import { verdictRule } from "../verdict.ts";
import { counted } from "../words.ts";
import { analysisTable } from "./analysis-table.ts";
import { calibrationTable } from "./calibration-table.ts";
import { curvesChart } from "./curves-chart.ts";
import { differencesTable } from "./differences-table.ts";
import { domainsChart } from "./domains-chart.ts";
import { failuresTable } from "./failures-table.ts";
import { interpolationChart } from "./interpolation-chart.ts";
import { lineageChart } from "./lineage-chart.ts";
import { html, type Markup } from "./markup.ts";
import { membersChart } from "./members-chart.ts";
import { nextSteps } from "./next-steps.ts";
import { processesTable } from "./processes-table.ts";
import { modelsTable, recipeBlock, timingsTable } from "./provenance.ts";
import { resultsTable } from "./results-table.ts";
import { styleSheet } from "./style.ts";

/** A policy that lets the page load nothing from anywhere: what it needs is in it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
/** A square of colour for the browser's tab. */
const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' cy='4' r='3.4' fill='%23b84700'/%3E%3C/svg%3E";

/**
 * The report as one self-contained HTML page: no network, no script. Everything that people named is escaped.
 * @param options.runFile the text of the run file that lies beside the page as run.yaml; without it the specification is shown.
 */
export function renderHtml(report: Report, { runFile }: { readonly runFile?: string } = {}): string {
  const { task } = report;
  // A number and its error stay on one line.
  const [lead = "", ...findings] = report.sentences.map((text) => text.replaceAll(" ± ", "\u00a0±\u00a0"));
  const meta = [
    ...(task.name === report.name ? [] : [task.name]),
    ...(task.network === undefined ? [] : [task.network]),
    counted(task.seeds.length, "seed"),
    counted(task.heldOut.length, "held-out domain"),
    `${counted(task.members, "fine-tuning")} in each set`,
    ...(report.finishedAt === undefined ? [] : [`finished on ${day(report.finishedAt)}`]),
    report.runId,
  ].join(" · ");
  const failures = failuresTable(report);
  const calibration = calibrationTable(report);
  const { processes = [] } = report.timings;
  const typical = report.cells.find((cell) => cell.heldOut === task.heldOut[Math.floor(task.heldOut.length / 2)]) ?? report.cells[0];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${report.name}: model recycling</title>
<link rel="icon" href="${ICON}">
<style>${{ markup: styleSheet }}</style>
</head>
<body>
<main>
<header>
<p class="over">Model recycling</p>
<h1>${report.name}</h1>
<p class="meta">${meta}</p>
</header>
<p class="lead">${lead}</p>
<ul class="findings">${findings.map((text) => html`<li>${text}</li>`)}</ul>
<p class="note">${readingNote(report)}</p>
${section("results", "Results", undefined, resultsTable(report))}
${section("differences", "Paired differences", `The same seed and the same held-out domain, with one method and with the other, so that what makes a seed or a domain hard cancels. ${verdictRule(task.seeds.length)}`, differencesTable(report))}
${section("domains", "By held-out domain", undefined, domainsChart(report))}
${section("members", "Members against their average", undefined, membersChart(report))}
${calibration === undefined ? undefined : section("calibration", "Calibration", "Whether a model is right as often as it says. The calibration error is the mean distance between its confidence and its accuracy, among answers of like confidence (15 bins of equal width); the Brier score is the squared error of its probabilities.", calibration)}
${section("mixing", "On the way between two members", undefined, interpolationChart(report.cells))}
${section("analysis", "Diversity and barriers", "Averaging works where members lie in one basin (low barriers on data like that of training) and err differently (high diversity on the held-out domain).", analysisTable(report))}
${typical === undefined ? undefined : section("training", "Training", undefined, curvesChart(typical))}
${report.lineage.length === 0 ? undefined : section("lineage", "Lineage", undefined, lineageChart(report.lineage))}
${failures === undefined ? undefined : section("failures", "Failed fine-tunings", "They were left out of every set, and of what was made of it.", failures)}
${section("next", "What now", undefined, nextSteps(report, runFile !== undefined))}
${section("recipe", "Recipe", `${runFile === undefined ? "" : "The run file, which is beside this page as run.yaml: ratatouille recycle run.yaml. "}Everything that decides the result. ${again(report)}`, recipeBlock(report, runFile))}
${section("models", "Models", undefined, modelsTable(report))}
${section("timings", "Timings", undefined, timingsTable(report))}
${processes.length === 0 ? undefined : section("processes", "Memory and bytes", undefined, processesTable(processes))}
<footer>Written by ratatouille ${report.ratatouille}. The numbers behind every figure are in <code>report.json</code>.</footer>
</main>
</body>
</html>
`;
  return page.markup;
}

/** What running it again gives. */
function again({ task }: Report): string {
  return task.network === undefined
    ? "The same recipe gives the same models, byte for byte."
    : "Trainings are approximate: run again, they make models that do as well, not the same bytes.";
}

/** "28 November 2026, 23:05 UTC", from ISO 8601. */
function day(iso: string): string {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });
  return `${format.format(new Date(iso)).replace(" at ", ", ")} UTC`;
}

/** What ±, cells and seeds are. */
function readingNote({ task }: Report): string {
  const error = task.seeds.length > 1 ? `±: one standard error over ${counted(task.seeds.length, "seed")}. ` : "";
  const seed =
    task.network === undefined
      ? "on the same data: another way to divide them among the domains, another foundation, other trainings"
      : "from the same foundation and auxiliaries: another split into training and validation data, other draws, other trainings";
  return `${error}A seed is a whole repetition ${seed}. A cell is one seed with one domain held out.`;
}

function section(id: string, title: string, text: string | undefined, content: Markup): Markup {
  return html`<section aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${title}</h2>
${text === undefined ? undefined : html`<p>${text}</p>`}
${content}
</section>`;
}
