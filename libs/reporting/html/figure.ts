import { html, type Markup } from "./markup.ts";
import type { Scale } from "./scale.ts";
import { scrolling } from "./scrolling.ts";

export type FigureOptions = {
  /** Unique on the page; part of element ids. */
  readonly id: string;
  /** What the figure shows, for those who cannot see it. */
  readonly title: string;
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly caption: Markup;
};

/** A figure: an SVG with a title and a description, and a caption. */
export function figure({ id, title, description, width, height, caption }: FigureOptions, content: readonly Markup[]): Markup {
  const drawing = html`<svg viewBox="0 0 ${width} ${height}" style="min-width:${Math.min(width, 620)}px" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${content}
</svg>`;
  return html`<figure>
${scrolling(title, drawing)}
<figcaption>${caption}</figcaption>
</figure>`;
}

/** Horizontal hairlines at the ticks of a y scale, with their labels to the left. */
export function yAxis(y: Scale, left: number, right: number, label: (tick: number) => string, { labels = true } = {}): Markup {
  return html`<g class="axis">${y.ticks.map(
    (tick) =>
      html`<line class="grid" x1="${left}" x2="${right}" y1="${y(tick)}" y2="${y(tick)}"/>${
        labels ? html`<text x="${left - 8}" y="${y(tick)}" dy=".34em" text-anchor="end">${label(tick)}</text>` : undefined
      }`,
  )}</g>`;
}

/** Labels (and, with `grid`, hairlines) at the ticks of an x scale. */
export function xAxis(x: Scale, top: number, bottom: number, label: (tick: number) => string, { grid = false } = {}): Markup {
  return html`<g class="axis">${x.ticks.map(
    (tick) =>
      html`${grid ? html`<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${top}" y2="${bottom}"/>` : undefined}<text x="${x(tick)}" y="${bottom + 17}" text-anchor="${anchor(tick, x)}">${label(tick)}</text>`,
  )}</g>`;
}

/** Labels at the ends of a scale, or almost there, stay inside of it. */
function anchor(tick: number, x: Scale): string {
  const [low, high] = x.domain;
  const place = (tick - low) / (high - low);
  return place < 0.03 ? "start" : place > 0.97 ? "end" : "middle";
}

/** A line through points. */
export function polyline(className: string, points: readonly (readonly [number, number])[], title?: string, opacity?: number): Markup {
  const path = points.map(([px, py], i) => `${i === 0 ? "M" : "L"}${round(px)} ${round(py)}`).join("");
  return html`<path class="${className}" d="${path}"${opacity === undefined ? undefined : html` style="opacity:${opacity}"`}>${title === undefined ? undefined : html`<title>${title}</title>`}</path>`;
}

/** A triangle at the end of an x scale, for a value that lies beyond it, and what the value is. */
export function beyondMark(at: number, y: number, side: "low" | "high", text: string, className: string): Markup {
  const tip = side === "low" ? -1 : 1;
  return html`<path class="${className}" d="M${at} ${y - 4.5}L${at + 7 * tip} ${y}L${at} ${y + 4.5}Z"/><text x="${at - 6 * tip}" y="${y}" dy=".34em" text-anchor="${side === "low" ? "start" : "end"}">${text}</text>`;
}

/** Text in a figure. */
export function label(x: number, y: number, text: string, { anchor = "start", className = "" } = {}): Markup {
  return html`<text x="${x}" y="${y}" text-anchor="${anchor}" class="${className}">${text}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
