import { methodTexts } from "../methods.ts";
import type { Report } from "../report.ts";
import { points } from "../words.ts";
import { html, type Markup } from "./markup.ts";
import { scrolling } from "./scrolling.ts";

/** How far the probabilities of each method can be believed; undefined where that was not measured, as for digits. */
export function calibrationTable({ analysis }: Report): Markup | undefined {
  if (analysis.calibration.length === 0) return undefined;
  const rows = analysis.calibration.map(({ method, ece, brier }) => {
    const error = (sem: string | undefined) => (sem === undefined ? undefined : html` <span class="sem">± ${sem}</span>`);
    return html`<tr${method === "recycling" ? html` class="ours"` : undefined}><th scope="row">${methodTexts[method].label}</th><td>${points(ece.mean)}${error(ece.sem === null ? undefined : points(ece.sem))}</td><td>${brier.mean.toFixed(3)}${error(brier.sem?.toFixed(3))}</td></tr>\n`;
  });
  const table = html`<table>
<caption>On the held-out domains, mean over all cells. Both are best at 0.</caption>
<thead><tr><th scope="col">method</th><th scope="col">calibration error,<br>points</th><th scope="col">Brier score</th></tr></thead>
<tbody>
${rows}</tbody></table>`;
  return scrolling("Calibration", table);
}
