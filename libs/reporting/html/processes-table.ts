import { bytes } from "#libs/text";
import { processColumns, processesCaption } from "../processes.ts";
import type { ProcessUsage } from "../report.ts";
import { html, type Markup } from "./markup.ts";
import { scrolling } from "./scrolling.ts";

/** What the processes used. */
export function processesTable(processes: readonly ProcessUsage[]): Markup {
  const rows = processes.map(
    (process) =>
      html`<tr><th scope="row">${process.name}</th>${processColumns.map(({ of }) => html`<td>${bytes(of(process))}</td>`)}</tr>\n`,
  );
  const table = html`<table style="max-width:44rem"><caption>${processesCaption}. Memory is resident memory at its largest since the process started; bytes are those of messages while this run was worked on, whoever they were for.</caption>
<thead><tr><th scope="col">process</th>${processColumns.map(({ head }) => html`<th scope="col">${head}</th>`)}</tr></thead>
<tbody>
${rows}</tbody></table>`;
  return scrolling("Memory and bytes", table);
}
