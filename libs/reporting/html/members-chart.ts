import type { Cell, Report, SetName } from "../report.ts";
import { points } from "../words.ts";
import { figure, label, yAxis } from "./figure.ts";
import { html, type Markup } from "./markup.ts";
import { around, extent, linear, type Scale } from "./scale.ts";

const LEFT = 40;
const WIDTH = 900;
const TOP = 30;
const HEIGHT = 300;
const GAP = 26;

const shown = [
  { set: "soup", method: "soup" },
  { set: "recycled", method: "recycling" },
] as const;

/** A panel for each held-out domain: in every cell the members of a set as dots, and their average as a diamond. */
export function membersChart(report: Report): Markup {
  const { task, cells } = report;
  const width = (WIDTH - LEFT - GAP * (task.heldOut.length - 1)) / task.heldOut.length;
  const bottom = HEIGHT - 34;
  const of = (domain: string) => cells.filter(({ heldOut }) => heldOut === domain);
  const extents = task.heldOut.map((domain) => extent(of(domain).flatMap(accuracies)));
  const length = Math.max(...extents.map(([low, high]) => high - low));
  const panels = task.heldOut.map((domain, i) => {
    const left = LEFT + i * (width + GAP);
    const y = linear(around(extents[i]!, length), [bottom, TOP], 5);
    const step = width / Math.max(1, task.seeds.length);
    const columns = of(domain).map((cell) => {
      const middle = left + step * (task.seeds.indexOf(cell.seed) + 0.5);
      const offset = Math.min(9, step * 0.22);
      const seedLabel = step > 26 || task.seeds.indexOf(cell.seed) % Math.ceil(26 / step) === 0;
      return html`${shown.map(({ set, method }, k) => column(cell, set, method, middle + (k === 0 ? -offset : offset), y))}${
        seedLabel ? label(middle, bottom + 17, String(cell.seed), { anchor: "middle" }) : undefined
      }`;
    });
    return html`${label(left, 14, domain, { className: "strong" })}${yAxis(y, left, left + width, String)}${columns}`;
  });
  return figure(
    {
      id: "members",
      title: "Members against their average",
      description: `Recycling is above the mean of its members in ${report.analysis.aboveMemberMean.above} of ${report.analysis.aboveMemberMean.cells} cells.`,
      width: WIDTH,
      height: HEIGHT,
      caption: html`Accuracy in % on the held-out domain, by seed. Pale dots: single fine-tunings; diamonds: the average of their weights. <span class="key soup">soup</span> &ensp;<span class="key recycled">recycling</span>. Every panel spans as many points.`,
    },
    panels,
  );
}

function column(cell: Cell, set: SetName, method: string, x: number, y: Scale): Markup {
  const dots = cell.members
    .filter((member) => member.set === set)
    .map(
      (member) =>
        html`<circle class="seed ${set}" cx="${x}" cy="${y(100 * member.accuracy)}" r="2.8"><title>seed ${cell.seed}, ${cell.heldOut}, ${set} ${member.index} from ${member.initialisation}: ${points(member.accuracy)} %</title></circle>`,
    );
  const average = cell.averages.find((entry) => entry.method === method);
  if (average === undefined) return html`${dots}`;
  const at = y(100 * average.accuracy);
  return html`${dots}<path class="dot average ${set}" d="M${x - 6} ${at}L${x} ${at - 6}L${x + 6} ${at}L${x} ${at + 6}Z"><title>seed ${cell.seed}, ${cell.heldOut}, ${method}: ${points(average.accuracy)} %</title></path>`;
}

function accuracies(cell: Cell): number[] {
  return [...cell.members, ...cell.averages.filter(({ method }) => method !== "linear-probe")].map(({ accuracy }) => 100 * accuracy);
}
