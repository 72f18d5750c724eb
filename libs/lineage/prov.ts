import { canonicalRecipe } from "#libs/recipes";
import { hexOf, type LineageNode, parameterTexts } from "./node.ts";

type Attributes = { readonly [name: string]: unknown };
type Section = { readonly [id: string]: Attributes };

/**
 * A lineage as W3C PROV in JSON (https://www.w3.org/submissions/prov-json/): artifacts are entities, runs of recipes activities; an activity
 * used its inputs, each in its role, and generated its artifact, which was derived from each of them. An import has no inputs here: where
 * its files are from stands with its entity. The same lineage is always the same document.
 * @example
 * ```ts
 * import { averageOf, nodesOf } from "../../libs/lineage/testing/nodes.ts";
 * const document = provJson(nodesOf(averageOf(2)));
 * [Object.keys(document.entity).length, Object.keys(document.used).length]; // [3, 2]
 * ```
 */
export function provJson(nodes: readonly LineageNode[]) {
  const uses = nodes.flatMap((node) => node.inputs.map((input) => ({ node, ...input })));
  return {
    prefix: {
      artifact: "urn:ratatouille:artifact:sha256:",
      recipe: "urn:ratatouille:recipe:sha256:",
      ratatouille: "urn:ratatouille:term:",
    },
    entity: Object.fromEntries(nodes.map((node) => [entityOf(node.digest), entity(node)])) as Section,
    activity: Object.fromEntries(nodes.map((node) => [activityOf(node), activity(node)])) as Section,
    wasGeneratedBy: numbered("g", nodes, (node) => ({ "prov:entity": entityOf(node.digest), "prov:activity": activityOf(node) })),
    used: numbered("u", uses, ({ node, digest, role }) => ({
      "prov:activity": activityOf(node),
      "prov:entity": entityOf(digest),
      "prov:role": role,
    })),
    wasDerivedFrom: numbered("d", uses, ({ node, digest }) => ({
      "prov:generatedEntity": entityOf(node.digest),
      "prov:usedEntity": entityOf(digest),
      "prov:activity": activityOf(node),
    })),
  };
}

function entity({ kind, name, licence, architecture, task, recipe, metrics }: LineageNode): Attributes {
  const source = recipe.parameters["source"];
  return {
    "prov:type": { $: `ratatouille:${kind}`, type: "prov:QUALIFIED_NAME" },
    "prov:label": name,
    ...given("ratatouille:licence", licence),
    ...given("ratatouille:architecture", architecture),
    ...given("ratatouille:task", task),
    ...given("ratatouille:source", typeof source === "string" ? source : undefined),
    ...(metrics.length > 0 ? { "ratatouille:metric": metrics.map(({ name, value }) => `${name}=${value}`) } : {}),
  };
}

function activity(node: LineageNode): Attributes {
  const { recipe } = node;
  return {
    "prov:type": { $: `ratatouille:${recipe.kind}`, type: "prov:QUALIFIED_NAME" },
    "ratatouille:recipe": canonicalRecipe(recipe),
    ...Object.fromEntries(parameterTexts(node).map(([name, value]) => [`ratatouille:parameter.${name}`, value])),
    ...given("ratatouille:arithmetic", recipe.arithmetic),
  };
}

function given(name: string, value: string | undefined): Attributes {
  return value === undefined ? {} : { [name]: value };
}

function entityOf(digest: LineageNode["digest"]): string {
  return `artifact:${hexOf(digest)}`;
}

/** A recipe that was run twice, as one is whose first result is damaged, is one activity. */
function activityOf({ recipeKey }: LineageNode): string {
  return `recipe:${hexOf(recipeKey)}`;
}

/** Relations have blank identifiers. */
function numbered<T>(letter: string, items: readonly T[], attributes: (item: T) => Attributes): Section {
  return Object.fromEntries(items.map((item, i) => [`_:${letter}${i + 1}`, attributes(item)]));
}
