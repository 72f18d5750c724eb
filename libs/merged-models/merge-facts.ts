import { basename, dirname } from "node:path";
import type { CompatibilityReport, Method } from "#libs/merging";
import type { ModelFiles } from "#libs/models";
import { type Digest, type Json, resultLicence, splitLicences } from "#libs/recipes";
import { hubNameOf } from "./hub-name.ts";

/** One model that went into a merge. */
export type Parent = {
  /** What readers elsewhere can make of it: its name on the hub or in the catalog, or that of its file, without the folders of this machine. */
  readonly label: string;
  /** Its name on the hub, where that is known. */
  readonly hub?: string;
  /** Its digest in the catalog, where it is from there. */
  readonly artifact?: Digest;
  /** Digest of its weights. */
  readonly digest: Digest;
  readonly licences: readonly string[];
  /** Of a weighted merge. */
  readonly weight?: number;
  /** Of a model with an adapter: the two of them. */
  readonly parts?: readonly Parent[];
};

/** All that recipe.json and the model card say. Nothing of it depends on when and where the merge was done. */
export type MergeFacts = {
  readonly method: Pick<Method, "name" | "title" | "formula" | "paper">;
  readonly models: readonly Parent[];
  readonly base?: Parent;
  /** What was asked for, as in a recipe. */
  readonly parameters: { readonly [name: string]: Json };
  readonly seed?: number;
  readonly arithmetic: string;
  /** The type of most numbers, as safetensors spells it. */
  readonly dtype: string;
  /** The licence of the result, as an SPDX expression, or why none is known. */
  readonly licence: { readonly expression: string } | { readonly why: string };
  readonly foundation?: string;
  /** A configuration for `ratatouille merge`, as YAML. */
  readonly configuration: string | undefined;
};

/** One parent as others may call it. */
export function parentOf(model: ModelFiles, digest: Digest, weight?: number): Parent {
  const { artifact, licences, applied } = model;
  const hub = applied === undefined ? hubNameOf(model) : undefined;
  const label = labelOf(model);
  return {
    ...{ label, digest, licences },
    ...(hub === undefined ? {} : { hub }),
    ...(artifact === undefined ? {} : { artifact }),
    ...(weight === undefined ? {} : { weight }),
    ...(applied === undefined ? {} : { parts: [applied.base, applied.adapter].map((part) => parentOf(part.model, part.digest)) }),
  };
}

/**
 * What readers elsewhere can make of a model's name.
 * @example
 * ```ts
 * const [file, snapshot] = ["/home/ann/bert/model.safetensors", "/cache/models--org--bert/snapshots/0af7"];
 * labelOf({ kind: "file", path: file, name: file }); // "bert"
 * labelOf({ kind: "folder", path: snapshot, name: snapshot }); // "org/bert"
 * ```
 */
export function labelOf(model: ModelFiles): string {
  const { applied } = model;
  if (applied !== undefined) return `${labelOf(applied.base.model)}+${labelOf(applied.adapter.model)}`;
  return hubNameOf(model) ?? (model.artifact === undefined ? fileLabel(model) : model.name);
}

function fileLabel({ kind, path }: ModelFiles): string {
  const name = basename(path);
  // A file that is called as all are is known by its folder.
  return kind === "file" && /^(model\.safetensors|pytorch_model\.bin)$/.test(name) && basename(dirname(path)) !== ""
    ? basename(dirname(path))
    : name;
}

/** What a report says of the licence of the result, without the folders of this machine where it says why there is none. */
export function licenceOf({ licence }: CompatibilityReport, models: readonly ModelFiles[]): MergeFacts["licence"] {
  if (licence !== undefined) return { expression: licence };
  // Of a model with an adapter, the one of the two that names none.
  const parts = models.flatMap((model) =>
    model.applied === undefined ? [model] : [model.applied.base.model, model.applied.adapter.model],
  );
  const all = [...new Set(parts)];
  if (all.length > 2 && all.every(({ licences }) => licences.length === 0)) return { why: "no model names one" };
  const { why = "no model names one" } = resultLicence(
    all.map(({ licences }) => licences),
    all.map(labelOf),
  );
  return { why };
}

/** The one foundation of all models, where they say so. */
export function foundationOf(models: readonly ModelFiles[]): string | undefined {
  const all = new Set(models.map(({ foundation }) => foundation));
  return all.size === 1 ? [...all][0] : undefined;
}

function named({ label, hub, artifact, digest, parts }: Parent): object {
  return { name: label, hub, artifact, weights: digest, ...(parts === undefined ? {} : { parts: parts.map(named) }) };
}

/** recipe.json: how the model is made, by the digests of what went in. */
export function recipeText({ models, base, parameters, seed, arithmetic, licence, foundation }: MergeFacts): string {
  const licences = "expression" in licence ? splitLicences(licence.expression) : [];
  const recipe = {
    kind: "average",
    inputs: { models: models.map(({ digest }) => digest), ...(base ? { base: base.digest } : {}) },
    parameters,
    ...(seed === undefined ? {} : { seed }),
    arithmetic,
    models: [...models, ...(base ? [base] : [])].map(named),
    licences,
    ...(foundation === undefined ? {} : { foundation }),
  };
  return `${JSON.stringify(recipe, null, 2)}\n`;
}
