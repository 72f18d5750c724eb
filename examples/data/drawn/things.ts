import { cos, sin } from "#libs/deterministic";
import type { Draw } from "./draw.ts";

/** A part of a thing: its outline as SVG writes it, in a box from -50 to 50, and its colour where it has its own. */
export type Part = { readonly d: string; readonly hue: number; readonly light: number };

type Thing = (draw: Draw) => readonly Part[];

const part = (d: string, hue: number, light = 50): Part => ({ d, hue, light });
const box = (x: number, y: number, width: number, height: number) => `M${x} ${y}h${width}v${height}h${-width}Z`;
const oval = (x: number, y: number, rx: number, ry = rx) => `M${x - rx} ${y}a${rx} ${ry} 0 1 0 ${2 * rx} 0a${rx} ${ry} 0 1 0 ${-2 * rx} 0Z`;

/** Points around a centre, whose distances take turns. */
function star(points: number, distances: readonly number[], turn = 0): string {
  const corners = Array.from({ length: points }, (_, i) => {
    const angle = turn + (2 * Math.PI * i) / points;
    const r = distances[i % distances.length]!;
    return `${(r * sin(angle)).toFixed(2)} ${(-r * cos(angle)).toFixed(2)}`;
  });
  return `M${corners.join("L")}Z`;
}

const house: Thing = (draw) => {
  const [width, height, roof, hue] = [draw.between(50, 80), draw.between(30, 50), draw.between(20, 38), draw.between(0, 60)];
  const top = 45 - height;
  const windows = draw.whole(1, 3);
  const gap = width / (windows + 1);
  return [
    part(box(-width / 2, top, width, height), hue, 65),
    part(`M${-width / 2 - 6} ${top}L0 ${top - roof}L${width / 2 + 6} ${top}Z`, draw.between(0, 30), 35),
    part(box(draw.between(-width / 3, width / 4), 45 - height * 0.5, 10, height * 0.5), draw.between(20, 40), 25),
    ...Array.from({ length: windows }, (_, i) => part(box(-width / 2 + gap * (i + 1) - 4, top + 5, 8, 8), 200, 75)),
  ];
};

const tree: Thing = (draw) => {
  const [trunk, crown, hue] = [draw.between(6, 12), draw.between(18, 26), draw.between(70, 150)];
  const round = draw.whole(0, 1) === 1;
  const leaves = round
    ? [oval(-12, -8, crown * 0.8), oval(13, -6, crown * 0.8), oval(0, -22, crown)]
    : [0, 1, 2].map((i) => `M0 ${-48 + 16 * i}L${crown * (0.7 + 0.3 * i)} ${-14 + 16 * i}L${-crown * (0.7 + 0.3 * i)} ${-14 + 16 * i}Z`);
  return [part(box(-trunk / 2, 0, trunk, 47), 28, 28), ...leaves.map((d, i) => part(d, hue, 30 + 5 * i))];
};

const fish: Thing = (draw) => {
  const [length, height, hue] = [draw.between(26, 36), draw.between(12, 22), draw.between(0, 360)];
  const stripes = draw.whole(0, 3);
  return [
    part(`M${length - 6} 0L${length + 16} ${-height}L${length + 10} 0L${length + 16} ${height}Z`, hue + 30, 45),
    part(`M-5 ${-height + 3}L10 ${-height - 14}L16 ${-height + 6}Z`, hue + 30, 45),
    part(oval(0, 0, length, height), hue, 55),
    ...Array.from({ length: stripes }, (_, i) => part(box(-4 + 9 * i, -height * 0.7, 3, height * 1.4), hue + 60, 35)),
    part(oval(-length * 0.65, -height * 0.25, 3.5), 0, 8),
  ];
};

const cup: Thing = (draw) => {
  const [width, height, foot, hue] = [draw.between(40, 58), draw.between(40, 62), draw.between(0.5, 1), draw.between(0, 360)];
  const [left, right, top, bottom] = [-width / 2 - 6, width / 2 - 6, -height / 2, height / 2];
  const handle = `M${right - 2} ${top + 8}h16a6 6 0 0 1 6 6v${height * 0.4}a6 6 0 0 1 -6 6h-18v-7h14v${-height * 0.4}h-12Z`;
  return [
    part(handle, hue, 45),
    part(`M${left} ${top}H${right}L${-6 + (width / 2) * foot} ${bottom}H${-6 - (width / 2) * foot}Z`, hue, 60),
    part(oval(-6, top, width / 2, 6), 25, 25),
  ];
};

const car: Thing = (draw) => {
  const [length, cabin, hue, wheel] = [draw.between(78, 96), draw.between(14, 24), draw.between(0, 360), draw.between(8, 12)];
  const half = length / 2;
  return [
    part(`M${-half * 0.6} -4L${-half * 0.4} ${-4 - cabin}H${half * 0.3}L${half * 0.6} -4Z`, hue, 45),
    part(`M${-half * 0.45} -5L${-half * 0.32} ${-1 - cabin}H${-2}V-5Z`, 200, 80),
    part(`M3 -5V${-1 - cabin}H${half * 0.25}L${half * 0.45} -5Z`, 200, 80),
    part(`M${-half} 18V4Q${-half} -5 ${-half * 0.7} -5H${half * 0.75}Q${half} -5 ${half} 4V18Z`, hue, 52),
    ...[-1, 1].flatMap((side) => [
      part(oval(side * half * 0.55, 18, wheel), 0, 12),
      part(oval(side * half * 0.55, 18, wheel * 0.45), 0, 75),
    ]),
  ];
};

const flower: Thing = (draw) => {
  const [petals, length, hue] = [draw.whole(5, 9), draw.between(20, 27), draw.between(280, 420)];
  const leaf = draw.between(10, 18);
  return [
    part(box(-1.5, -10, 3, 58), 110, 32),
    part(`M0 32Q${leaf} ${30 - leaf} ${leaf * 1.6} 22Q${leaf} 34 0 34Z`, 115, 36),
    part(`M0 38Q${-leaf} ${36 - leaf} ${-leaf * 1.6} 28Q${-leaf} 40 0 40Z`, 115, 36),
    ...Array.from({ length: petals }, (_, i) => {
      const angle = (2 * Math.PI * i) / petals;
      return part(oval((length / 1.7) * sin(angle), -20 - (length / 1.7) * cos(angle), length / 2.1), hue, 62);
    }),
    part(oval(0, -20, 7), 48, 52),
  ];
};

const guitar: Thing = (draw) => {
  const [body, hue] = [draw.between(17, 22), draw.between(10, 45)];
  return [
    part(oval(0, 26, body), hue, 42),
    part(oval(0, 4, body * 0.75), hue, 42),
    part(oval(0, 14, 6), 20, 12),
    part(box(-3, -40, 6, 52), 25, 25),
    part(box(-6, -49, 12, 11), 25, 18),
    part(box(-8, 30, 16, 4), 25, 18),
  ];
};

const boat: Thing = (draw) => {
  const [width, mast] = [draw.between(34, 46), draw.between(40, 55)];
  return [
    part(`M${-width} 20H${width}L${width * 0.65} 42H${-width * 0.7}Z`, draw.between(0, 360), 40),
    part(box(-1.5, 20 - mast, 3, mast), 28, 25),
    part(`M4 ${20 - mast}L${width * 0.8} 14H4Z`, draw.between(0, 360), 80),
    part(`M-4 ${26 - mast}L${-width * 0.6} 14H-4Z`, draw.between(0, 360), 70),
  ];
};

const lamp: Thing = (draw) => {
  const [shade, hue] = [draw.between(24, 36), draw.between(0, 360)];
  return [
    part(box(-2, -12, 4, 50), 40, 35),
    part(oval(0, 40, draw.between(14, 22), 5), 40, 30),
    part(`M${-shade * 0.5} -42H${shade * 0.5}L${shade} -10H${-shade}Z`, hue, 70),
  ];
};

const mushroom: Thing = (draw) => {
  const [cap, hue] = [draw.between(28, 44), draw.between(0, 40)];
  const dots = draw.whole(2, 4);
  return [
    part(`M-9 -2Q-6 20 ${-draw.between(9, 15)} 44H${draw.between(9, 15)}Q6 20 9 -2Z`, 45, 82),
    part(`M${-cap} 2Q${-cap} -40 0 -42Q${cap} -40 ${cap} 2Z`, hue, 45),
    ...Array.from({ length: dots }, (_, i) => part(oval(-cap * 0.5 + (cap * i) / (dots - 1), -14 - 8 * (i % 2), 4.5), 50, 90)),
  ];
};

const umbrella: Thing = (draw) => {
  const [radius, hue] = [draw.between(32, 44), draw.between(0, 360)];
  const third = (2 * radius) / 3;
  const hem = `q${-third / 2} -9 ${-third} 0`.repeat(3);
  return [
    part(`M-1.5 -8H1.5V36a6 6 0 0 1 -14 0h3a3 3 0 0 0 8 0Z`, 25, 25),
    part(`M${-radius} 0A${radius} ${radius} 0 0 1 ${radius} 0${hem}Z`, hue, 50),
  ];
};

/** Shapes without a meaning: what a foundation learns edges, colours and sizes from. */
const signs: { readonly [name: string]: Thing } = {
  arrow: (draw) => [part(`M-45 -9H5V${-draw.between(22, 32)}L46 0L5 ${draw.between(22, 32)}V9H-45Z`, draw.between(0, 360))],
  cross: (draw) => [part(star(12, [45, 45, draw.between(12, 18)], -0.25), draw.between(0, 360))],
  moon: (draw) => [part(`M20 -42A44 44 0 1 0 20 42A${draw.between(46, 60)} ${draw.between(46, 60)} 0 0 1 20 -42Z`, draw.between(0, 360))],
  ring: (draw) => [part(oval(0, 0, draw.between(36, 46)), draw.between(0, 360)), part(oval(0, 0, draw.between(14, 24)), 0, 95)],
  star: (draw) => [part(star(10, [46, draw.between(16, 22)]), draw.between(0, 360))],
  stripes: (draw) => [-40, -14, 12].map((y) => part(box(-42, y, 84, draw.between(12, 18)), draw.between(0, 360))),
};

/** Things to tell apart, by what they are for: three tasks without a class in common. */
export const tasks: { readonly [task: string]: { readonly [name: string]: Thing } } = {
  target: { car, cup, fish, flower, guitar, house, tree },
  objects: { boat, lamp, mushroom, umbrella },
  signs,
};
