import type { Draw } from "./draw.ts";
import { somewhere, type Textures } from "./textures.ts";
import type { Part } from "./things.ts";

/** What a style draws with. */
type Tools = { readonly draw: Draw; readonly textures: Textures; readonly side: number };

/** A picture of a thing as SVG, and by how many pixels each time it is drawn its outlines go astray. */
export type Drawing = { readonly svg: string; readonly astray: readonly number[] };
type Style = (parts: readonly Part[], tools: Tools) => Drawing;

const colour = (hue: number, saturation: number, light: number) =>
  `hsl(${Math.round(((hue % 360) + 360) % 360)},${Math.round(saturation)}%,${Math.round(light)}%)`;

function drawing(side: number, definitions: string, content: readonly string[], astray: readonly number[] = []): Drawing {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-64 -64 128 128" width="${side}" height="${side}"><defs>${definitions}</defs>${content.join("")}</svg>`;
  return { svg, astray };
}

/** Where a thing stands: moved, turned and made smaller by chance, and maybe mirrored. */
function place(draw: Draw, turn: number): string {
  const [x, y, angle, size] = [draw.between(-12, 12), draw.between(-10, 10), draw.between(-turn, turn), draw.between(0.65, 1.15)];
  const mirror = draw.whole(0, 1) === 1 ? -1 : 1;
  return `translate(${x.toFixed(1)} ${y.toFixed(1)}) rotate(${angle.toFixed(1)}) scale(${(mirror * size).toFixed(3)} ${size.toFixed(3)})`;
}

/** Blots of colour behind a thing, out of focus. */
function blots(draw: Draw, count: number, saturation: number): string {
  return Array.from({ length: count }, () => {
    const fill = colour(draw.between(0, 360), saturation, draw.between(20, 80));
    return `<circle cx="${draw.whole(-64, 64)}" cy="${draw.whole(-64, 64)}" r="${draw.whole(8, 34)}" fill="${fill}"/>`;
  }).join("");
}

/** Light from one side, a shadow, a background out of focus, and grain. */
const photo: Style = (parts, { draw, textures, side }) => {
  const [lightX, saturation, ground] = [draw.between(0.15, 0.85), draw.between(30, 60), draw.between(0, 360)];
  const gradients = parts.map(({ hue, light }, i) => {
    const stops = [light + 24, light, light - 22].map(
      (l, k) => `<stop offset="${k / 2}" stop-color="${colour(hue + 6 * k, saturation, Math.max(4, Math.min(96, l)))}"/>`,
    );
    return `<radialGradient id="g${i}" cx="${lightX}" cy="0.2" r="0.95">${stops.join("")}</radialGradient>`;
  });
  const sky = [draw.between(55, 85), draw.between(15, 45)].map(
    (light, k) => `<stop offset="${k}" stop-color="${colour(ground + 40 * k, 30, light)}"/>`,
  );
  const definitions = [
    ...gradients,
    `<linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">${sky.join("")}</linearGradient>`,
    `<filter id="far"><feGaussianBlur stdDeviation="${draw.between(5, 9).toFixed(1)}"/></filter>`,
    `<filter id="near"><feGaussianBlur stdDeviation="${draw.between(0.2, 0.8).toFixed(2)}"/></filter>`,
    `<filter id="soft"><feGaussianBlur stdDeviation="3"/></filter>`,
  ];
  const at = place(draw, 18);
  const outlines = parts.map(({ d }) => `<path d="${d}"/>`).join("");
  const filled = parts.map(({ d }, i) => `<path d="${d}" fill="url(#g${i})"/>`).join("");
  const content = [
    `<rect x="-64" y="-64" width="128" height="128" fill="url(#sky)"/>`,
    `<g filter="url(#far)" opacity="0.7">${blots(draw, 9, 35)}</g>`,
    `<g transform="translate(${lightX > 0.5 ? -5 : 5} 6)" filter="url(#soft)" opacity="0.45"><g transform="${at}">${outlines}</g></g>`,
    `<g filter="url(#near)"><g transform="${at}">${filled}</g></g>`,
    `<image href="${textures.grain}" ${somewhere(draw)} opacity="${draw.between(0.3, 1).toFixed(2)}"/>`,
  ];
  return drawing(side, definitions.join(""), content);
};

/** Strokes that run into one another, in few and warm colours. */
const painting: Style = (parts, { draw, textures, side }) => {
  const warm = draw.between(-30, 70);
  const at = place(draw, 14);
  const filled = parts.map(({ d, hue, light }) => `<path d="${d}" fill="${colour(0.4 * hue + warm, 45, 0.8 * light + 5)}"/>`).join("");
  const content = [
    `<rect x="-64" y="-64" width="128" height="128" fill="${colour(warm + 20, 35, draw.between(35, 75))}"/>`,
    `${blots(draw, 14, 40)}<g transform="${at}">${filled}</g>`,
    `<image href="${textures.canvas}" ${somewhere(draw)}/>`,
  ];
  return drawing(side, "", content, [draw.between(8, 18)]);
};

/** Flat bright colours that mean nothing, with a thick black line around. */
const cartoon: Style = (parts, { draw, side }) => {
  const [shift, line] = [draw.between(0, 360), draw.between(2, 4.5)];
  const at = place(draw, 25);
  const filled = parts.map(({ d, hue, light }) => `<path d="${d}" fill="${colour(hue + shift, 90, Math.max(25, light + 5))}"/>`).join("");
  const ground = colour(draw.between(0, 360), 85, draw.between(70, 92));
  const content = [
    `<rect x="-64" y="-64" width="128" height="128" fill="${ground}"/>`,
    `<g transform="${at}" stroke="#000" stroke-width="${line.toFixed(1)}" stroke-linejoin="round">${filled}</g>`,
  ];
  return drawing(side, "", content);
};

/** Two unsteady pencil lines on paper, and no colour. */
const sketch: Style = (parts, { draw, side }) => {
  const at = place(draw, 20);
  const lines = parts.map(({ d }) => `<path d="${d}"/>`).join("");
  const grey = draw.whole(15, 90);
  const pencil = `fill="none" stroke="rgb(${grey},${grey},${grey})" stroke-width="${draw.between(0.7, 1.8).toFixed(2)}"`;
  const content = [
    `<rect x="-64" y="-64" width="128" height="128" fill="${colour(45, 15, draw.between(93, 99))}"/>`,
    `<g transform="${at}" ${pencil}>${lines}</g>`,
  ];
  return drawing(side, "", content, [draw.between(4, 10), draw.between(4, 10)]);
};

/** How things may look, by the name of the domain. */
export const styles: { readonly [name: string]: Style } = { cartoon, painting, photo, sketch };
