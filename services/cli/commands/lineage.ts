import { readManifest } from "#libs/recipes";
import { findArtifact } from "#libs/remote-models";
import { UsageError } from "#libs/service";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../context.ts";
import { short } from "../format.ts";

/** `ratatouille lineage NAME`: where an artifact comes from, as a tree, as JSON or for Graphviz. */
export async function lineage(name: string, options: GlobalOptions & { readonly dot?: boolean }, context: CommandContext): Promise<number> {
  if (options.json && options.dot) throw new UsageError("--json and --dot exclude each other");
  const catalog = (await useTarget(context, options)).channel.client(CatalogService);
  const { digest } = await findArtifact(name, catalog, context.signal);
  const { artifacts } = await catalog.getLineage({ digest }, { signal: context.signal });
  const nodes = artifacts.map(describe);
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
};

function describe({ digest, manifest, inputs }: Artifact): LineageEntry {
  const { recipe, licences } = readManifest(manifest);
  const facts = ["method", "measure", "generator", "degrees", "steps", "learningRate"].flatMap((name) => {
    const value = recipe.parameters[name];
    return value === undefined ? [] : [`${name} ${value}`];
  });
  return { digest, kind: recipe.kind, detail: facts.join(", "), licences, inputs };
}

/** The tree of inputs; what was shown before is not opened again. */
export function lineageTree(nodes: readonly LineageEntry[]): string {
  const byDigest = new Map(nodes.map((node) => [node.digest, node]));
  const shown = new Set<string>();
  const lines: string[] = [];
  const visit = (digest: string, lead: string, tip: string) => {
    const node = byDigest.get(digest);
    const again = shown.has(digest) && (node?.inputs.length ?? 0) > 0;
    lines.push(`${lead}${tip}${short(digest)} ${node?.kind ?? ""}${node?.detail ? ` (${node.detail})` : ""}${again ? " (see above)" : ""}`);
    if (again || !node) return;
    shown.add(digest);
    const below = tip === "" ? lead : `${lead}${tip.startsWith("└") ? "   " : "│  "}`;
    const inputs = [...new Set(node.inputs)];
    inputs.forEach((input, i) => {
      visit(input, below, i === inputs.length - 1 ? "└─ " : "├─ ");
    });
  };
  if (nodes[0]) visit(nodes[0].digest, "", "");
  return `${lines.join("\n")}\n`;
}

/** The graph in Graphviz's language; arrows go from an input to what was made of it. */
export function lineageDot(nodes: readonly LineageEntry[]): string {
  const lines = nodes.flatMap(({ digest, kind, inputs }) => [
    `  "${short(digest)}" [label="${kind}\\n${short(digest)}"];`,
    ...[...new Set(inputs)].map((input) => `  "${short(input)}" -> "${short(digest)}";`),
  ]);
  return `digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n${lines.join("\n")}\n}\n`;
}
