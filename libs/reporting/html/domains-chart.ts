import { type Method, methodTexts } from "../methods.ts";
import type { Report } from "../report.ts";
import { points, withError } from "../words.ts";
import { beyondMark, figure, label, xAxis } from "./figure.ts";
import { html, type Markup } from "./markup.ts";
import { around, extent, linear, within } from "./scale.ts";

const LEFT = 158;
const WIDTH = 900;
const TOP = 30;
const ROW = 24;
const GAP = 26;

/**
 * A panel for each held-out domain: the methods' means with one standard error, and every seed. One point is as wide in each panel.
 * The frozen probe is often so far behind that it would squeeze the rest: it does not stretch the scale, and is a mark at its end then.
 */
export function domainsChart(report: Report): Markup {
  const { task } = report;
  const { table, results } = report;
  const width = (WIDTH - LEFT - GAP * (task.heldOut.length - 1)) / task.heldOut.length;
  const bottom = TOP + ROW * table.length;
  const values = (domain: string) =>
    results.flatMap(({ heldOut, method, accuracy }) => (heldOut === domain && method !== "linear-probe" ? [100 * accuracy] : []));
  const extents = task.heldOut.map((domain) => extent(values(domain)));
  const length = Math.max(...extents.map(([low, high]) => high - low));
  const panels = task.heldOut.map((domain, i) => {
    const left = LEFT + i * (width + GAP);
    const x = linear(around(extents[i]!, length), [left, left + width], 4);
    const rows = table.map(({ method, columns }, j) => {
      const y = TOP + ROW * (j + 0.5);
      const seeds = results.filter(
        (result) => result.heldOut === domain && result.method === method && within(x, 100 * result.accuracy).beyond === undefined,
      );
      const { mean, sem } = columns[i]!;
      if (mean === null) return html``;
      const { at, beyond } = within(x, 100 * mean);
      const name = `${methodTexts[method].label}, ${domain}: ${withError(mean, sem)} %`;
      if (beyond !== undefined) return html`<g><title>${name}</title>${beyondMark(at, y, beyond, points(mean), "dot")}</g>`;
      return html`<g class="${family(method)}"><title>${name}</title>${seeds.map(({ accuracy }) => html`<circle class="seed ${family(method)}" cx="${x(100 * accuracy)}" cy="${y}" r="3"/>`)}${
        sem === null
          ? undefined
          : html`<line class="bar ${family(method)}" x1="${x(100 * (mean - sem))}" x2="${x(100 * (mean + sem))}" y1="${y}" y2="${y}"/>`
      }<circle class="dot ${family(method)}" cx="${at}" cy="${y}" r="4.2"/></g>`;
    });
    return html`${label(left, 14, domain, { className: "strong" })}${xAxis(x, TOP - 6, bottom, String, { grid: true })}${rows}`;
  });
  const names = table.map(({ method }, j) =>
    label(LEFT - 18, TOP + ROW * (j + 0.5) + 4, methodTexts[method].label, {
      anchor: "end",
      className: method === "recycling" ? "recycled" : "plain",
    }),
  );
  return figure(
    {
      id: "domains",
      title: "Accuracy of every method on every held-out domain",
      description: "The same numbers as in the results table, with one dot for each seed.",
      width: WIDTH,
      height: bottom + 26,
      caption: html`Accuracy in %, one panel for each held-out domain. Large dots: means with one standard error; pale dots: seeds; a triangle: beyond the scale. <span class="key recycled">from the auxiliaries and the foundation</span> &ensp;<span class="key soup">from the foundation alone</span> &ensp;${table.some(({ method }) => method === "fusing") ? html`<span class="key fused">from the average of those</span>` : undefined}`,
    },
    [...names, ...panels],
  );
}

/** The colour of a method: that of the set of fine-tunings that it uses. */
function family(method: Method): string {
  if (method === "linear-probe") return "probe";
  if (method === "fusing") return "fused";
  return method === "erm" || method.startsWith("soup") ? "soup" : "recycled";
}
