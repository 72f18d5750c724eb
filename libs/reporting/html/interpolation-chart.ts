import type { Cell, SetName } from "../report.ts";
import { mean } from "../statistics.ts";
import { figure, label, polyline, xAxis, yAxis } from "./figure.ts";
import { html, type Markup } from "./markup.ts";
import { extent, linear } from "./scale.ts";

const LEFT = 44;
const WIDTH = 900;
const TOP = 30;
const HEIGHT = 300;
const GAP = 44;
const sets: readonly SetName[] = ["soup", "recycled", "fused"];

type Interpolation = Cell["interpolations"][number];

/** Points of accuracy above the straight line between two members, along the way from one to the other. */
export function interpolationChart(cells: readonly Cell[]): Markup {
  const curves = cells.flatMap((cell) => cell.interpolations.map((curve) => ({ ...curve, cell })));
  const panels = [
    { name: "validation data of the training domains", of: (curve: Interpolation) => gains(curve.lambdas, curve.validation) },
    { name: "held-out domain", of: (curve: Interpolation) => gains(curve.lambdas, curve.heldOut) },
  ];
  const width = (WIDTH - LEFT - GAP) / 2;
  const bottom = HEIGHT - 44;
  const y = linear(
    extent(
      panels.flatMap(({ of }) => curves.flatMap(of)),
      { include: [0] },
    ),
    [bottom, TOP],
    5,
  );
  const content = panels.map(({ name, of }, i) => {
    const left = LEFT + i * (width + GAP);
    const x = linear([0, 1], [left, left + width], 4);
    const lines = sets.map((set) => {
      const own = curves.filter((curve) => curve.set === set);
      const thin = own.map((curve) =>
        polyline(
          `line ${set}`,
          of(curve).map((gain, k) => [x(curve.lambdas[k]!), y(gain)] as const),
          `${set} ${curve.pair[0]} to ${curve.pair[1]}, seed ${curve.cell.seed}, ${curve.cell.heldOut} held out`,
          Math.max(0.08, Math.min(0.42, 8 / own.length)),
        ),
      );
      return {
        thin,
        mean: polyline(
          `line mean ${set}`,
          meanGains(own, of).map(([lambda, gain]) => [x(lambda), y(gain)] as const),
        ),
      };
    });
    return html`${label(left, 14, name, { className: "strong" })}${yAxis(y, left, left + width, signed)}<line class="zero" x1="${left}" x2="${left + width}" y1="${y(0)}" y2="${y(0)}"/>${xAxis(x, TOP, bottom, lambdaLabel)}${lines.map(({ thin }) => html`${thin}`)}${lines.map((line) => line.mean)}`;
  });
  const present = sets.filter((set) => curves.some((curve) => curve.set === set));
  return figure(
    {
      id: "interpolation",
      title: "Accuracy on the way from one member to another",
      description: "Points above the straight line between the accuracies of two members, as their weights are mixed.",
      width: WIDTH,
      height: HEIGHT,
      caption: html`Weights of two members are mixed, from all of the first (left) to all of the second (right). Shown are points of accuracy above the straight line between the two; a curve below zero is a barrier. Thin: pairs; thick: their mean. ${present.map((set) => html`<span class="key ${set}">${set}</span> &ensp;`)}`,
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
