import type { Cell, SetName } from "../report.ts";
import { mean } from "../statistics.ts";
import { figure, label, polyline, xAxis, yAxis } from "./figure.ts";
import { html, type Markup } from "./markup.ts";
import { extent, linear } from "./scale.ts";

const LEFT = 44;
const WIDTH = 900;
const TOP = 30;
const PANEL = 170;
const GAP = 34;
const ROW_GAP = 68;
const sets: readonly SetName[] = ["soup", "recycled", "fused"];

type Interpolation = Cell["interpolations"][number];

const rows = [
  { name: "validation data", of: (curve: Interpolation) => gains(curve.lambdas, curve.validation) },
  { name: "held-out domain", of: (curve: Interpolation) => gains(curve.lambdas, curve.heldOut) },
];

/** Points of accuracy above the straight line between two members, along the way from one to the other; a column for each set. */
export function interpolationChart(cells: readonly Cell[]): Markup {
  const curves = cells.flatMap((cell) => cell.interpolations.map((curve) => ({ ...curve, cell })));
  const present = sets.filter((set) => curves.some((curve) => curve.set === set));
  const width = (WIDTH - LEFT - GAP * (present.length - 1)) / Math.max(1, present.length);
  const range = extent(
    rows.flatMap(({ of }) => curves.flatMap(of)),
    { include: [0] },
  );
  const content = rows.map(({ name, of }, row) => {
    const top = TOP + row * (PANEL + ROW_GAP);
    const bottom = top + PANEL;
    const y = linear(range, [bottom, top], 4);
    return html`${present.map((set, i) => {
      const left = LEFT + i * (width + GAP);
      const x = linear([0, 1], [left, left + width], 4);
      const own = curves.filter((curve) => curve.set === set);
      const thin = own.map((curve) =>
        polyline(
          `line ${set}`,
          of(curve).map((gain, k) => [x(curve.lambdas[k]!), y(gain)] as const),
          `${set} ${curve.pair[0]} to ${curve.pair[1]}, seed ${curve.cell.seed}, ${curve.cell.heldOut} held out`,
          Math.max(0.1, Math.min(0.42, 14 / own.length)),
        ),
      );
      const mean = polyline(
        `line mean ${set}`,
        meanGains(own, of).map(([lambda, gain]) => [x(lambda), y(gain)] as const),
      );
      return html`${label(left, top - 14, `${set}: ${name}`, { className: "strong" })}${yAxis(y, left, left + width, signed, { labels: i === 0 })}<line class="zero" x1="${left}" x2="${left + width}" y1="${y(0)}" y2="${y(0)}"/>${xAxis(x, top, bottom, lambdaLabel)}${thin}${mean}`;
    })}`;
  });
  return figure(
    {
      id: "interpolation",
      title: "Accuracy on the way from one member to another",
      description: "Points above the straight line between the accuracies of two members, as their weights are mixed.",
      width: WIDTH,
      height: TOP + 2 * PANEL + ROW_GAP + 26,
      caption: html`Weights of two members are mixed, from all of the first (left) to all of the second (right). Shown are points of accuracy above the straight line between the two; a curve below zero is a barrier. Thin: pairs; thick: their mean. Validation data are of the training domains.`,
    },
    content,
  );
}

/** Accuracy minus the chord between the ends, in points. */
function gains(lambdas: readonly number[], accuracies: readonly number[]): number[] {
  const first = accuracies[0] ?? 0;
  const last = accuracies.at(-1) ?? 0;
  return accuracies.map((accuracy, i) => 100 * (accuracy - (1 - lambdas[i]!) * first - lambdas[i]! * last));
}

/** The mean over curves that are sampled like the first. */
function meanGains(curves: readonly Interpolation[], of: (curve: Interpolation) => number[]): (readonly [number, number])[] {
  const lambdas = curves[0]?.lambdas ?? [];
  const alike = curves.filter((curve) => curve.lambdas.join() === lambdas.join()).map(of);
  return lambdas.map((lambda, i) => [lambda, mean(alike.map((curve) => curve[i] ?? Number.NaN))] as const);
}

function signed(tick: number): string {
  return tick > 0 ? `+${tick}` : String(tick).replace("-", "−");
}

function lambdaLabel(tick: number): string {
  return tick === 0 ? "first" : tick === 1 ? "second" : tick === 0.5 ? "half" : "";
}
