import type { Cell, Member, SetName } from "../report.ts";
import { mean } from "../statistics.ts";
import { figure, label, polyline, xAxis, yAxis } from "./figure.ts";
import { html, type Markup } from "./markup.ts";
import { extent, linear } from "./scale.ts";

const LEFT = 40;
const WIDTH = 900;
const TOP = 30;
const PANEL = 170;
const GAP = 34;
const ROW_GAP = 68;
const setNames: { readonly [S in SetName]: string } = { soup: "soup", recycled: "recycled", fused: "fused" };

/** Training loss above, validation accuracy below, a column for each set: every member of one cell thin, their mean thick. */
export function curvesChart(cell: Cell): Markup {
  const sets = (Object.keys(setNames) as SetName[]).filter((set) => cell.members.some((member) => member.set === set));
  const width = (WIDTH - LEFT - GAP * (sets.length - 1)) / sets.length;
  const rows = [
    { name: "training loss", curve: lossCurve, format: String },
    { name: "validation accuracy, %", curve: validationCurve, format: String },
  ];
  const lastStep = Math.max(1, ...cell.members.flatMap((member) => rows.flatMap(({ curve }) => curve(member).map(([step]) => step))));
  const content = rows.map(({ name, curve, format }, row) => {
    const top = TOP + row * (PANEL + ROW_GAP);
    const bottom = top + PANEL;
    const range = extent(cell.members.flatMap((member) => curve(member).map(([, value]) => value)));
    const y = linear(range, [bottom, top], 4);
    return html`${sets.map((set, i) => {
      const left = LEFT + i * (width + GAP);
      const x = linear([0, lastStep], [left, left + width], 6);
      const members = cell.members.filter((member) => member.set === set);
      const place = ([step, value]: readonly [number, number]) => [x(step), y(value)] as const;
      return html`${label(left, top - 14, `${setNames[set]}: ${name}`, { className: "strong" })}${yAxis(y, left, left + width, format, { labels: i === 0 })}${xAxis(x, top, bottom, String)}${members.map((member) => polyline(`line ${set}`, curve(member).map(place), `${set} ${member.index} from ${member.initialisation}`))}${polyline(`line mean ${set}`, meanCurve(members.map(curve)).map(place))}`;
    })}`;
  });
  return figure(
    {
      id: "curves",
      title: "Loss and validation accuracy while the members were trained",
      description: `Seed ${cell.seed}, ${cell.heldOut} held out, by step.`,
      width: WIDTH,
      height: TOP + 2 * PANEL + ROW_GAP + 26,
      caption: html`Seed ${cell.seed}, ${cell.heldOut} held out, by training step. Thin: members; thick: their mean. Of each member the checkpoint with the best validation accuracy is kept. Loss is the mean since the previous point.`,
    },
    content,
  );
}

type Points = readonly (readonly [number, number])[];

function lossCurve(member: Member): Points {
  return member.curve.loss.map(({ step, loss }) => [step, loss]);
}

function validationCurve(member: Member): Points {
  return member.curve.validation.map(({ step, accuracy }) => [step, 100 * accuracy]);
}

/** The mean over curves at the steps that all of them have. */
function meanCurve(curves: readonly Points[]): Points {
  const [first = [], ...others] = curves;
  return first.flatMap(([step, value]) => {
    const values = others.map((curve) => curve.find(([other]) => other === step)?.[1]);
    return values.includes(undefined) ? [] : [[step, mean([value, ...(values as number[])])] as const];
  });
}
