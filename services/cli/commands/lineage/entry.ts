import { type Json, type Recipe, readManifest } from "#libs/recipes";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";

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

export function describe({ digest, manifest, inputs, damaged, stale }: Artifact, names: readonly string[]): LineageEntry {
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
