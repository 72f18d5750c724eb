import { canonicalRecipe } from "#libs/recipes";
import { hexOf, type LineageNode } from "./node.ts";

type Component = { readonly [name: string]: unknown };

/**
 * The lineage of the first node as a CycloneDX 1.6 ML-BOM (https://cyclonedx.org/docs/1.6/json/): every artifact is a component whose
 * `bom-ref` is its digest; models are machine-learning models with a model card, all that they were made of directly stands in
 * `pedigree.ancestors`, however many that are, and the whole graph in `dependencies`. The same lineage is always the same document: it has
 * no time and no serial number.
 * @param nodes what is asked about first; the order of the others is kept.
 * @example
 * ```ts
 * import { averageOf, nodesOf } from "../../libs/lineage/testing/nodes.ts";
 * const bom = cycloneDx(nodesOf(averageOf(2)));
 * bom.metadata.component["type"]; // "machine-learning-model"
 * bom.dependencies[0]?.dependsOn.length; // 2
 * ```
 */
export function cycloneDx(nodes: readonly [LineageNode, ...LineageNode[]]) {
  const byDigest = new Map<string, LineageNode>(nodes.map((node) => [node.digest, node]));
  const [first, ...others] = nodes;
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: component(first, byDigest) },
    components: others.map((node) => component(node, byDigest)),
    dependencies: nodes.map(({ digest, inputs }) => ({ ref: digest, dependsOn: [...new Set(inputs.map((input) => input.digest))] })),
  };
}

function component(node: LineageNode, byDigest: ReadonlyMap<string, LineageNode>): Component {
  const parents = [...new Set(node.inputs.map(({ digest }) => digest))];
  const ancestors = parents.flatMap((digest) => byDigest.get(digest) ?? []).map(identity);
  return {
    "bom-ref": node.digest,
    ...identity(node),
    ...(node.licence === undefined ? {} : { licenses: [{ expression: node.licence }] }),
    ...(ancestors.length > 0 ? { pedigree: { ancestors, notes: notesOf(node) } } : {}),
    ...(node.kind === "model" ? { modelCard: modelCard(node) } : {}),
    properties: [
      { name: "ratatouille:kind", value: node.kind },
      { name: "ratatouille:recipe", value: canonicalRecipe(node.recipe) },
      { name: "ratatouille:recipe-key", value: node.recipeKey },
    ],
  };
}

/** What a component is, without what it was made of: so a parent stands in the pedigree of a child. */
function identity({ kind, name, digest, content }: LineageNode): Component {
  const type = kind === "model" ? "machine-learning-model" : "data";
  return { type, name, version: digest, hashes: [{ alg: "SHA-256", content: hexOf(content) }] };
}

function notesOf({ recipe, inputs }: LineageNode): string {
  const method = recipe.parameters["method"];
  return `made by the recipe "${recipe.kind}"${typeof method === "string" ? `, method ${method},` : ""} of ${inputs.length} inputs`;
}

function modelCard({ inputs, architecture, task, metrics }: LineageNode): Component {
  const datasets = [...new Set(inputs.filter(({ role }) => role.startsWith("dataset")).map(({ digest }) => digest))];
  return {
    modelParameters: {
      ...(task === undefined ? {} : { task }),
      ...(architecture === undefined ? {} : { modelArchitecture: architecture }),
      ...(datasets.length > 0 ? { datasets: datasets.map((ref) => ({ ref })) } : {}),
    },
    ...(metrics.length > 0
      ? { quantitativeAnalysis: { performanceMetrics: metrics.map(({ name, value }) => ({ type: name, value: String(value) })) } }
      : {}),
  };
}
