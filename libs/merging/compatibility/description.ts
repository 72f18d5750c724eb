import type { ModelFiles } from "#libs/models";
import type { Json } from "#libs/recipes";

/** What is known of a model without its weights. All findings but those of weights are functions of this. */
export type Description = Pick<ModelFiles, "name" | "tensors"> & {
  /** What of it is compared, where that is not its tensors as they lie in the file: an adapter's products have the shapes of its base. */
  readonly compared?: ModelFiles["tensors"] | undefined;
  readonly config?: { readonly [name: string]: Json } | undefined;
  readonly licences: readonly string[];
  /** What it says it comes from: a digest of the catalog or a hub id. A foundation model names itself. */
  readonly foundation?: string | undefined;
  /** The foundation was imported into the catalog, which knows nothing of what it comes from itself. */
  readonly foundationImported?: boolean | undefined;
  readonly artifact?: string | undefined;
  /** Where its files are, if they are on this machine: it may tell which model of the hub it is. */
  readonly path?: string | undefined;
  readonly tokenizer?: Tokenizer | undefined;
};

/** A tokenizer in a file. */
export type Tokenizer = {
  readonly file: string;
  readonly digest: string;
  /** Token to number, where the file could be read. Only looked at where digests differ. */
  readonly vocabulary?: () => Promise<ReadonlyMap<string, number> | undefined>;
};

/** Models by what a function says of them, in order of first appearance; what it says nothing of is left out. */
export function groupModels<T>(models: readonly T[], keyOf: (model: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const model of models) {
    const key = keyOf(model);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), model]);
  }
  return groups;
}

/** "x in a, b; y in c" */
export function sayGroups(groups: ReadonlyMap<string, readonly { readonly name: string }[]>): string {
  return [...groups].map(([key, models]) => `${key} in ${namesOf(models)}`).join("; ");
}

/** Names with commas. */
export function namesOf(models: readonly { readonly name: string }[]): string {
  return models.map(({ name }) => name).join(", ");
}
