import { canonicalJson, type Digest, digestOf, type Json } from "./canonical.ts";

/**
 * How an artifact is made. Two recipes with equal fields are one recipe. Whoever runs it gets the same bytes, or, where its arithmetic is
 * approximate (`~…`), what does as well. Nothing in it names a host, a runtime, a time, a job or an attempt.
 */
export type Recipe<P = { readonly [name: string]: Json }> = {
  /** For example "average". There may be kinds that this version does not know: who runs one knows it. */
  readonly kind: string;
  /** Artifacts that go in, by role. The order within a role counts. */
  readonly inputs: { readonly [role: string]: Digest | readonly Digest[] };
  readonly parameters: P;
  /** Unsigned 32-bit seed of everything random. */
  readonly seed?: number;
  /** What the bytes depend on, for example "tfjs-wasm-simd/4.22.0 train/1", or, with "~" before, the semantics that the result has. */
  readonly arithmetic?: string;
};

/** A recipe names a field that does not exist or has a value that cannot be. */
export class RecipeError extends Error {
  override readonly name = "RecipeError";
  /** Path of the field, for example "parameters.batch". */
  readonly field: string;
  /** The message without the field. */
  readonly description: string;
  constructor(field: string, description: string, options?: ErrorOptions) {
    super(`${field}: ${description}`, options);
    this.field = field;
    this.description = description;
  }
}

/**
 * The canonical text of a recipe. Its UTF-8 is what the key is the digest of.
 * @example
 * ```ts
 * const recipe = { parameters: { method: "uniform" }, inputs: { models: [] }, kind: "average" } as const;
 * canonicalRecipe(recipe); // '{"inputs":{"models":[]},"kind":"average","parameters":{"method":"uniform"}}'
 * ```
 */
export function canonicalRecipe(recipe: Recipe): string {
  const { kind, inputs, parameters, seed, arithmetic } = recipe;
  return canonicalJson({
    kind,
    inputs: inputs as { [role: string]: Json },
    parameters,
    ...(seed === undefined ? {} : { seed }),
    ...(arithmetic === undefined ? {} : { arithmetic }),
  });
}

/**
 * The key of a recipe: sha-256 of its canonical text.
 * @example
 * ```ts
 * const parameters = { source: "hub", licence: "MIT", files: [] };
 * const one = recipeKey({ kind: "import", inputs: {}, parameters });
 * one === recipeKey({ parameters: { ...parameters }, inputs: {}, kind: "import" }); // true
 * one === recipeKey({ kind: "import", inputs: {}, parameters: { ...parameters, licence: "GPL-3.0-only" } }); // false
 * ```
 */
export function recipeKey(recipe: Recipe): Digest {
  return digestOf(canonicalRecipe(recipe));
}

/**
 * Digests of all inputs: roles in alphabetical order, within a role in the recipe's order.
 * @example
 * ```ts
 * const [data, model] = [digestOf("data"), digestOf("model")];
 * const inputs = { featurizer: model, datasets: [data] };
 * recipeInputs({ kind: "fine-tune", inputs, parameters: {} }); // [data, model]
 * ```
 */
export function recipeInputs(recipe: Recipe): Digest[] {
  return inputsByRole(recipe).map(({ digest }) => digest);
}

/**
 * All inputs in the order of `recipeInputs`, each with what it is to the recipe.
 * @example
 * ```ts
 * const [data, model] = [digestOf("data"), digestOf("model")];
 * const inputs = { featurizer: model, datasets: [data] };
 * inputsByRole({ kind: "fine-tune", inputs, parameters: {} }).map(({ role }) => role); // ["datasets", "featurizer"]
 * ```
 */
export function inputsByRole(recipe: Recipe): { readonly role: string; readonly digest: Digest }[] {
  return Object.keys(recipe.inputs)
    .sort()
    .flatMap((role) => inputsOf(recipe, role).map((digest) => ({ role, digest })));
}

/**
 * The one input of a role.
 * @throws RecipeError if the role is missing or holds a list.
 * @example
 * ```ts
 * const model = digestOf("model");
 * inputOf({ kind: "probe", inputs: { featurizer: model }, parameters: {} }, "featurizer") === model; // true
 * ```
 */
export function inputOf(recipe: Recipe, role: string): Digest {
  const input = recipe.inputs[role];
  if (typeof input !== "string") throw new RecipeError(`inputs.${role}`, "expected one digest");
  return input;
}

/**
 * The inputs of a role, in order; none if the role is missing.
 * @example
 * ```ts
 * const model = digestOf("model");
 * inputsOf({ kind: "average", inputs: { models: [model] }, parameters: {} }, "models"); // [model]
 * ```
 */
export function inputsOf(recipe: Recipe, role: string): readonly Digest[] {
  const input = recipe.inputs[role];
  return input === undefined ? [] : typeof input === "string" ? [input] : input;
}
