import { heldOutItemsText } from "../held-out-items.ts";
import { methodTexts } from "../methods.ts";
import type { Report, TableRow } from "../report.ts";
import { counted, points } from "../words.ts";
import { html, type Markup } from "./markup.ts";
import { scrolling } from "./scrolling.ts";

/** Method x held-out domain, mean ± standard error; the best of each column is bold. */
export function resultsTable(report: Report): Markup {
  const { task, table } = report;
  const best = [...task.heldOut.map((_, i) => highest(table.map((row) => row.columns[i]?.mean))), highest(table.map((row) => row.mean))];
  const rows = table.map((row) => {
    const cells = [...row.columns, row].map(({ mean, sem }, i) =>
      cell(mean, sem, mean !== null && points(mean) === best[i], i === task.heldOut.length),
    );
    return html`<tr${row.method === "recycling" ? html` class="ours"` : undefined}><th scope="row">${methodTexts[row.method].label}</th>${cells}</tr>\n`;
  });
  const results = html`<table>
<caption>Accuracy in % on the held-out domain${task.seeds.length > 1 ? `, mean ± standard error over ${counted(task.seeds.length, "seed")}` : ", one seed"}. ${heldOutItemsText(task.heldOutItems)} Bold: the best of the column.</caption>
<thead><tr><th scope="col">method</th>${task.heldOut.map((domain) => html`<th scope="col">${domain}</th>`)}<th scope="col" class="total">mean</th></tr></thead>
<tbody>
${rows}</tbody></table>`;
  return html`${scrolling("Results", results)}
<details><summary>What the methods are</summary><dl>${table.map(({ method }) => html`<dt>${methodTexts[method].label}</dt><dd>${methodTexts[method].explanation}</dd>`)}</dl></details>`;
}

function cell(mean: number | null, sem: number | null, best: boolean, total: boolean): Markup {
  const className = [...(best ? ["best"] : []), ...(total ? ["total"] : [])].join(" ");
  if (mean === null) return html`<td class="${className}">–</td>`;
  return html`<td class="${className}">${points(mean)}${sem === null ? undefined : html` <span class="sem">± ${points(sem)}</span>`}</td>`;
}

/** As printed, so that equals are all bold. */
function highest(values: readonly (TableRow["mean"] | undefined)[]): string {
  const known = values.filter((value) => value !== null && value !== undefined);
  return known.length === 0 ? "" : points(Math.max(...known));
}
