import type { Report } from "../report.ts";
import { html, type Markup } from "./markup.ts";
import { scrolling } from "./scrolling.ts";

/** The fine-tunings that failed for good, and why; undefined where there are none. */
export function failuresTable({ cells }: Report): Markup | undefined {
  const rows = cells.flatMap(({ seed, heldOut, failed }) =>
    failed.map(
      ({ set, index, error }) =>
        html`<tr><th scope="row">seed ${String(seed)}, held out ${heldOut}</th><td>${set} ${index}</td><td>${error}</td></tr>\n`,
    ),
  );
  if (rows.length === 0) return undefined;
  const table = html`<table>
<caption>Fine-tunings that failed for good, and why.</caption>
<thead><tr><th scope="col">cell</th><th scope="col">fine-tuning</th><th scope="col">error</th></tr></thead>
<tbody>
${rows}</tbody></table>`;
  return scrolling("Failed fine-tunings", table);
}
