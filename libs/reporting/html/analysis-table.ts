import type { Report, SetName } from "../report.ts";
import { points, withError } from "../words.ts";
import { html, type Markup } from "./markup.ts";
import { scrolling } from "./scrolling.ts";

/** Diversity, barriers, and members against their average on validation data, one row for each set. */
export function analysisTable({ analysis }: Report): Markup {
  const sets = [...new Set(analysis.validation.map(({ set }) => set))];
  const barrier = (set: SetName, domain: string) => {
    const entry = analysis.barriers.find((candidate) => candidate.set === set && candidate.domain === domain);
    return {
      mean: entry === undefined ? "–" : withError(entry.mean, entry.sem, { decimals: 2 }),
      max: entry === undefined ? "–" : points(entry.max),
    };
  };
  const rows = sets.map((set) => {
    const diversity = analysis.diversity.find((entry) => entry.set === set);
    const validation = analysis.validation.find((entry) => entry.set === set);
    const inside = barrier(set, "id-validation");
    const outside = barrier(set, "held-out");
    const ratio =
      diversity === undefined ? "–" : `${diversity.ratioError.toFixed(2)}${diversity.sem === null ? "" : ` ± ${diversity.sem.toFixed(2)}`}`;
    const accuracy = (value: number | null | undefined) => (value === null || value === undefined ? "–" : points(value));
    const cells = [
      ratio,
      inside.mean,
      inside.max,
      outside.mean,
      outside.max,
      accuracy(validation?.memberMean),
      accuracy(validation?.average),
    ];
    return html`<tr><th scope="row"><span class="key ${set}">${set}</span></th>${cells.map((text) => html`<td>${text}</td>`)}</tr>\n`;
  });
  const table = html`<table>
<caption>Barriers: points of accuracy lost halfway between two members, mean over all pairs, and the largest of any pair; negative: gained.</caption>
<thead><tr><th scope="col">set</th><th scope="col">diversity<br>(ratio-error)</th><th scope="col">barrier,<br>validation</th><th scope="col">largest</th><th scope="col">barrier,<br>held out</th><th scope="col">largest</th><th scope="col">members,<br>validation %</th><th scope="col">average,<br>validation %</th></tr></thead>
<tbody>
${rows}</tbody></table>`;
  return scrolling("Diversity and barriers", table);
}
