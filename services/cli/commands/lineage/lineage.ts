import { UsageError } from "#libs/service";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, useTarget } from "../../context.ts";
import { short } from "../../format.ts";
import { findNamed } from "../meant.ts";
import { refsByDigest } from "../models/models.ts";
import { describe, type LineageEntry } from "./entry.ts";
import type { LineageOptions } from "./options.ts";

/** `ratatouille lineage NAME`: where an artifact comes from, as a tree, as JSON or for Graphviz. */
export async function lineage(name: string, options: LineageOptions, context: CommandContext): Promise<number> {
  if (options.json && options.dot) throw new UsageError("--json and --dot exclude each other");
  const { descendants, members, commonWith, format } = options;
  const ways = [descendants || members, commonWith !== undefined, format !== undefined].filter(Boolean).length;
  if (ways > 1 || (ways === 1 && options.dot))
    throw new UsageError("--descendants (or --members), --common-with, --format and --dot exclude each other");
  if (ways === 1) return (await import("./relatives.ts")).relatives(name, options, context);
  const catalog = (await useTarget(context, options, "look")).channel.client(CatalogService);
  const { digest } = await findNamed(name, catalog, context.signal);
  const [{ artifacts }, names] = await Promise.all([
    catalog.getLineage({ digest }, { signal: context.signal }),
    refsByDigest(catalog, context.signal),
  ]);
  const nodes = artifacts.map((artifact) => describe(artifact, names.get(artifact.digest) ?? []));
  if (options.json) context.stdout.write(`${JSON.stringify(nodes)}\n`);
  else context.stdout.write(options.dot ? lineageDot(nodes) : lineageTree(nodes));
  return 0;
}

/** The tree of inputs; what was shown before is not opened again. */
function lineageTree(nodes: readonly LineageEntry[]): string {
  const byDigest = new Map(nodes.map((node) => [node.digest, node]));
  const shown = new Set<string>();
  const lines: string[] = [];
  const visit = (digest: string, role: string, lead: string, tip: string) => {
    const node = byDigest.get(digest);
    const again = shown.has(digest) && (node?.inputs.length ?? 0) > 0;
    const detail = again || !node?.detail ? "" : ` (${node.detail})`;
    const names = node?.names.length ? ` = ${node.names.join(", ")}` : "";
    const state = node?.state ? `, ${node.state}` : "";
    lines.push(`${lead}${tip}${role}${node?.kind ?? ""}${detail} ${short(digest)}${state}${names}${again ? ", see above" : ""}`);
    if (again || !node) return;
    shown.add(digest);
    const below = tip === "" ? lead : `${lead}${tip.startsWith("└") ? "   " : "│  "}`;
    const inputs = [...new Set(node.inputs)];
    inputs.forEach((input, i) => {
      visit(input, `${node.roles[node.inputs.indexOf(input)]}: `, below, i === inputs.length - 1 ? "└─ " : "├─ ");
    });
  };
  if (nodes[0]) visit(nodes[0].digest, "", "", "");
  return `${lines.join("\n")}\n`;
}

/** The graph in Graphviz's language; arrows go from an input to what was made of it. */
function lineageDot(nodes: readonly LineageEntry[]): string {
  const lines = nodes.flatMap(({ digest, kind, detail, inputs, names }) => [
    `  "${short(digest)}" [label="${[names[0] ?? kind, detail, short(digest)].filter((line) => line !== "").join("\\n")}"];`,
    ...[...new Set(inputs)].map((input) => `  "${short(input)}" -> "${short(digest)}";`),
  ]);
  return `digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n${lines.join("\n")}\n}\n`;
}
