import type { LineageNode } from "../report.ts";
import { mean } from "../statistics.ts";
import { figure } from "./figure.ts";
import { html, type Markup } from "./markup.ts";
import { wrapLabel } from "./wrap.ts";

const BOX = { width: 158, height: 36 };
const ROW = 43;
const GAP = 32;
const PADDING = 6;

export type Placed = { readonly node: LineageNode; readonly x: number; readonly y: number };

/** The lineage graph from left to right, every artifact just before the first that needs it. */
export function lineageChart(nodes: readonly LineageNode[]): Markup {
  const { placed, width, height } = layOut(nodes);
  const byDigest = new Map(placed.map((entry) => [entry.node.digest, entry]));
  const edges = placed.flatMap((to) => to.node.inputs.flatMap((input) => edge(byDigest.get(input), to)));
  const last = placed.at(-1);
  return figure(
    {
      id: "lineage",
      title: "Lineage of one recycled model",
      description: `${nodes.length} artifacts and what each was made from${last === undefined ? "" : `; the last is ${last.node.label}`}.`,
      width: Math.max(width, 400),
      height,
      caption: html`What one recycled model was made from, left to right: data (shaded), trained models (framed) and the average. Every node is an artifact with a digest, and can be made again from its recipe.`,
    },
    [...edges, ...placed.map(box)],
  );
}

/**
 * Layers by the longest way to a node that nothing needs, so that edges point right; in each layer the order of the means of what the
 * nodes feed.
 */
export function layOut(nodes: readonly LineageNode[]): {
  readonly placed: readonly Placed[];
  readonly width: number;
  readonly height: number;
} {
  const depths = depthsFromSinks(nodes);
  const layers = Math.max(0, ...depths.values()) + 1;
  const rows = new Map<string, number>();
  const placed: Placed[] = [];
  const tallest = Math.max(
    1,
    ...Array.from({ length: layers }, (_, depth) => nodes.filter((node) => depths.get(node.digest) === depth).length),
  );
  for (let depth = 0; depth < layers; depth++) {
    const layer = nodes
      .filter((node) => depths.get(node.digest) === depth)
      .map((node, i) => ({ node, wanted: wantedRow(node, nodes, rows) ?? i }))
      .sort((a, b) => a.wanted - b.wanted);
    const top = (tallest - layer.length) / 2;
    for (const [i, { node }] of layer.entries()) {
      rows.set(node.digest, top + i);
      placed.push({ node, x: PADDING + (layers - 1 - depth) * (BOX.width + GAP), y: PADDING + (top + i) * ROW });
    }
  }
  return { placed: placed.reverse(), width: 2 * PADDING + layers * (BOX.width + GAP) - GAP, height: 2 * PADDING + tallest * ROW };
}

function depthsFromSinks(nodes: readonly LineageNode[]): Map<string, number> {
  const consumers = consumersOf(nodes);
  const depths = new Map<string, number>();
  const depth = (digest: string, path: ReadonlySet<string>): number => {
    const known = depths.get(digest);
    if (known !== undefined) return known;
    const next = (consumers.get(digest) ?? []).filter((consumer) => !path.has(consumer.digest));
    const own = Math.max(-1, ...next.map((consumer) => depth(consumer.digest, new Set([...path, digest])))) + 1;
    depths.set(digest, own);
    return own;
  };
  for (const node of nodes) depth(node.digest, new Set());
  return depths;
}

function wantedRow(node: LineageNode, nodes: readonly LineageNode[], rows: ReadonlyMap<string, number>): number | undefined {
  const fed = nodes.filter((other) => other.inputs.includes(node.digest)).flatMap((other) => rows.get(other.digest) ?? []);
  return fed.length === 0 ? undefined : mean(fed);
}

function consumersOf(nodes: readonly LineageNode[]): Map<string, LineageNode[]> {
  const consumers = new Map<string, LineageNode[]>();
  for (const node of nodes) for (const input of node.inputs) consumers.set(input, [...(consumers.get(input) ?? []), node]);
  return consumers;
}

function edge(from: Placed | undefined, to: Placed): Markup[] {
  if (from === undefined) return [];
  const [x1, y1, x2, y2] = [from.x + BOX.width, from.y + BOX.height / 2, to.x, to.y + BOX.height / 2];
  const bend = Math.min(60, (x2 - x1) / 2);
  const className = to.node.kind === "average" ? "edge to-average" : isData(from.node) ? "edge from-data" : "edge";
  return [html`<path class="${className}" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}"/>`];
}

function box({ node, x, y }: Placed): Markup {
  const className = isData(node) ? "node data" : node.kind === "average" ? "node average-node" : "node";
  const lines = wrapLabel(shortLabel(node.label), 26);
  const middle = { x: x + BOX.width / 2, y: y + BOX.height / 2 };
  const text = lines.map(
    (line, i) =>
      html`<text x="${middle.x}" y="${middle.y + (i - (lines.length - 1) / 2) * 14}" dy=".34em" text-anchor="middle">${line}</text>`,
  );
  return html`<g class="${className}"><title>${node.kind}: ${node.label} ${node.digest}</title><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="3"/>${text}</g>`;
}

/** All nodes belong to one cell, so its seed and its held-out domain go without saying. */
function shortLabel(label: string): string {
  return label.replace(/^seed \d+ · /, "").replace(/^held out [^·]+ · /, "");
}

function isData({ kind }: LineageNode): boolean {
  return kind === "import" || kind === "dataset";
}
