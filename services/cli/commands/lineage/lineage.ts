import { type Json, type Recipe, readManifest } from "#libs/recipes";
import { UsageError } from "#libs/service";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";
import { short } from "../../format.ts";
import { findNamed } from "../meant.ts";
import { refsByDigest } from "../models/models.ts";

/** `ratatouille lineage NAME`: where an artifact comes from, as a tree, as JSON or for Graphviz. */
export async function lineage(name: string, options: GlobalOptions & { readonly dot?: boolean }, context: CommandContext): Promise<number> {
  if (options.json && options.dot) throw new UsageError("--json and --dot exclude each other");
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

/** One artifact of a lineage. */
export type LineageEntry = {
  readonly digest: string;
  readonly kind: string;
  readonly detail: string;
  readonly licences: readonly string[];
  readonly inputs: readonly string[];
  /** Refs that point to it now. */
  readonly names: readonly string[];
  /** "damaged", "stale" or "". */
  readonly state: string;
  /** What each input is to it, such as "head" or "models 2"; in the order of `inputs`. */
  readonly roles: readonly string[];
};

const generators: { readonly [name: string]: string } = {
  "glyphs/1": "drawn symbols",
  "rotated-digits/1": "digits",
  "image-shards/1": "images",
  "records/1": "records",
  "rotated-mnist/1": "Rotated MNIST",
  "colored-mnist/1": "Coloured MNIST",
};

/** What people read of a recipe's parameters, and how; what is empty is not read. */
const facts: { readonly [parameter: string]: (value: Json) => string } = {
  method: String,
  measure: String,
  generator: (value) => generators[String(value)] ?? String(value),
  network: (value) => (typeof value === "object" && value !== null && "name" in value ? String(value["name"]) : ""),
  trainable: (value) => (value === "head" ? "the head alone" : ""),
  domains: (value) => (Array.isArray(value) ? value.join(" and ") : ""),
  styles: (value) => (Array.isArray(value) ? value.join(" and ") : String(value)),
  degrees: (value) => `at ${value}°`,
  steps: (value) => `${value} steps`,
  learningRate: (value) => `learning rate ${value}`,
};

function describe({ digest, manifest, inputs, damaged, stale }: Artifact, names: readonly string[]): LineageEntry {
  const { recipe, licences } = readManifest(manifest);
  const detail = Object.entries(facts).flatMap(([name, text]) => {
    const value = recipe.parameters[name];
    return value === undefined ? [] : [text(value)].filter((part) => part !== "");
  });
  return {
    digest,
    kind: recipe.kind,
    detail: detail.join(", "),
    licences,
    inputs,
    names,
    state: damaged ? "damaged" : stale ? "stale" : "",
    roles: inputs.map((input) => roleOf(input, recipe)),
  };
}

/** "head", or "models 2" where a role has several. */
function roleOf(digest: string, { inputs }: Recipe): string {
  for (const [role, given] of Object.entries(inputs)) {
    const digests: readonly string[] = typeof given === "string" ? [given] : given;
    const place = digests.indexOf(digest);
    if (place >= 0) return digests.length === 1 ? role : `${role} ${place + 1}`;
  }
  return "input";
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
