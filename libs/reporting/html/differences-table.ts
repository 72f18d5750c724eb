import { methodTexts } from "../methods.ts";
import type { Difference, Report } from "../report.ts";
import { verdictWords } from "../table.ts";
import { errorsToDecide, judge, SEEDS_TO_DECIDE } from "../verdict.ts";
import { withError } from "../words.ts";
import { beyondMark } from "./figure.ts";
import { html, type Markup } from "./markup.ts";
import { extent, linear, type Scale, within } from "./scale.ts";
import { scrolling } from "./scrolling.ts";

const WIDTH = 400;
const HEIGHT = 28;

/** Paired differences, one row each, with a plot in the middle: dot, one standard error, the margin that decides, and a line at zero. */
export function differencesTable(report: Report): Markup {
  const { differences } = report;
  // The frozen probe is often so far behind that it would squeeze the rest: it does not stretch the scale.
  const scaled = differences.length > 1 ? differences.filter(({ b }) => b !== "linear-probe") : differences;
  const ends = scaled.flatMap(({ mean, sem, seeds }) => [-1, 1].map((side) => 100 * (mean + side * margin(seeds) * (sem ?? 0))));
  const x = linear(extent(ends, { include: [0] }), [8, WIDTH - 8], 8);
  const rows = differences.map((difference) => {
    const { a, b, mean, sem, won, tied, lost } = difference;
    const name = `${methodTexts[a].label} − ${methodTexts[b].label}`;
    return html`<tr><th scope="row">${name}</th><td class="plot">${plot(difference, x, name)}</td><td>${withError(mean, sem, { signed: true })}</td><td>${won} / ${tied} / ${lost}</td><td class="text">${verdictWords[judge(difference)]}</td></tr>\n`;
  });
  const table = html`<table>
<caption>Points of accuracy: mean over seeds of each seed’s mean over the held-out domains. ${bars(report.task.seeds.length)}</caption>
<thead><tr><th scope="col">difference</th><td class="plot"></td><th scope="col">points</th><th scope="col">cells won / tied / lost</th><th scope="col" class="text">verdict</th></tr></thead>
<tbody>
${rows}<tr class="axis-row" aria-hidden="true"><td></td><td class="plot"><svg viewBox="0 0 ${WIDTH} 22" preserveAspectRatio="none">${x.ticks.map(
    (tick) => html`<text x="${x(tick)}" y="15" text-anchor="middle">${tick > 0 ? `+${tick}` : String(tick).replace("-", "−")}</text>`,
  )}</svg></td><td></td><td></td><td></td></tr>
</tbody></table>`;
  return scrolling("Paired differences", table);
}

/** Standard errors to both sides of the dot; one where there are too few seeds to decide. */
function margin(seeds: number): number {
  return seeds < SEEDS_TO_DECIDE ? 1 : errorsToDecide(seeds);
}

function bars(seeds: number): string {
  if (seeds < 2) return "Dot: the difference; triangle: beyond the scale.";
  if (seeds < SEEDS_TO_DECIDE) return "Dot: mean; bar: one standard error.";
  return "Dot: mean; thick bar: one standard error; thin bar: the margin that decides.";
}

function plot({ mean, sem, seeds }: Difference, x: Scale, name: string): Markup {
  const middle = HEIGHT / 2;
  const { at, beyond } = within(x, 100 * mean);
  const bar = (errors: number, className: string) =>
    sem === null
      ? undefined
      : html`<line class="bar ${className}" x1="${x(100 * (mean - errors * sem))}" x2="${x(100 * (mean + errors * sem))}" y1="${middle}" y2="${middle}" style="stroke:var(--ink)"/>`;
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${name}: ${withError(mean, sem, { signed: true })} points">
${x.ticks.map((tick) => html`<line class="${tick === 0 ? "zero" : "grid"}" x1="${x(tick)}" x2="${x(tick)}" y1="0" y2="${HEIGHT}"/>`)}
${
  beyond === undefined
    ? html`${bar(margin(seeds), "wide")}${bar(1, "")}<circle cx="${at}" cy="${middle}" r="4" style="fill:var(--ink)"/>`
    : beyondMark(at, middle, beyond, "", "dot")
}</svg>`;
}
