import * as v from "valibot";
import { canonicalJson, type Digest, digestOf, isDigest, type Json } from "./canonical.ts";
import { type RecipeKind, schemas } from "./parameters.ts";
import { plainProblem } from "./plain.ts";

/**
 * How an artifact is made. Two recipes with equal fields are one recipe, and whoever runs it gets the same bytes.
 * Nothing in it names a host, a runtime, a time, a job or an attempt.
 */
export type Recipe<P = { readonly [name: string]: Json }> = {
  readonly kind: RecipeKind;
  /** Artifacts that go in, by role. The order within a role counts. */
  readonly inputs: { readonly [role: string]: Digest | readonly Digest[] };
  readonly parameters: P;
  /** Unsigned 32-bit seed of everything random. */
  readonly seed?: number;
  /** Backend and version whose rounding the bytes depend on, for example "tfjs-wasm-simd/4.22.0 train/1". */
  readonly arithmetic?: string;
};

/** A recipe names a field that does not exist or has a value that cannot be. */
export class RecipeError extends Error {
  override readonly name = "RecipeError";
  /** Path of the field, for example "parameters.batch". */
  readonly field: string;
  constructor(field: string, message: string, options?: ErrorOptions) {
    super(`${field}: ${message}`, options);
    this.field = field;
  }
}

const one = v.custom<Digest>(isDigest, "Expected a digest: sha256: and 64 hexadecimal digits");
const many = v.pipe(v.array(one), v.minLength(1));
const inputSchemas = { one, many, "optional-one": v.optional(one), "optional-many": v.optional(many) };

/**
 * Reads a recipe from JSON text or from a value, and completes nothing: a missing field is an error.
 * @throws RecipeError naming the first wrong field.
 * @example
 * ```ts
 * const inputs = { models: [digestOf("one"), digestOf("other")] };
 * const recipe = { kind: "average", inputs, parameters: { method: "linear" }, arithmetic: arithmetics.averaging };
 * parseRecipe(JSON.stringify(recipe)).kind; // "average"
 * ```
 */
export function parseRecipe(source: unknown): Recipe {
  const value = typeof source === "string" ? parseJson(source) : source;
  if (typeof value !== "object" || value === null) throw new RecipeError("recipe", "expected an object");
  const found = plainProblem(value);
  if (found) throw new RecipeError(found.path || "recipe", found.problem);
  const kind = (value as { kind?: unknown }).kind;
  if (typeof kind !== "string" || !Object.hasOwn(schemas, kind)) {
    throw new RecipeError("kind", `unknown kind ${JSON.stringify(kind)}; expected one of ${Object.keys(schemas).join(", ")}`);
  }
  const parsed = v.safeParse(recipeSchema(kind as RecipeKind), value);
  if (parsed.success) return parsed.output as Recipe;
  const issue = parsed.issues[0];
  throw new RecipeError(v.getDotPath(issue) ?? "recipe", sentenceOf(issue));
}

/** What an issue says to somebody who has never heard of the validator. */
function sentenceOf({ kind, type, expected, input, message }: v.BaseIssue<unknown>): string {
  if (type === "strict_object" && expected === "never") return "there is no such field";
  if (kind === "schema" && input === undefined) return "is missing";
  return message.replace(/^Invalid length: Expected/, "expected a length of").replace(/^Invalid [a-z ]+: Expected/, "expected");
}

const seed = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(4294967295));

function recipeSchema(kind: RecipeKind): v.GenericSchema {
  const { inputs, parameters, seeded, computed } = schemas[kind];
  const fields: { [name: string]: v.GenericSchema } = {
    kind: v.literal(kind),
    inputs: v.strictObject(Object.fromEntries(Object.entries(inputs).map(([role, arity]) => [role, inputSchemas[arity]]))),
    parameters,
    ...(seeded ? { seed: seeded === "optional" ? v.optional(seed) : seed } : {}),
    ...(computed ? { arithmetic: v.pipe(v.string(), v.minLength(1)) } : {}),
  };
  return v.strictObject(fields);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RecipeError("recipe", "not JSON", { cause });
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
  return Object.keys(recipe.inputs)
    .sort()
    .flatMap((role) => recipe.inputs[role] as Digest | readonly Digest[]);
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
