import * as v from "valibot";
import { quote } from "#libs/text";
import { parseEnvelope } from "./envelope.ts";
import { digest, seed } from "./kinds/fields.ts";
import type { Form } from "./kinds/kind.ts";
import { kindNamed, kinds } from "./kinds/kinds.ts";
import { type Recipe, RecipeError } from "./recipe.ts";

const many = v.pipe(v.array(digest), v.minLength(1));
const inputSchemas = { one: digest, many, "optional-one": v.optional(digest), "optional-many": v.optional(many) };

/**
 * Reads a recipe of a kind that this version can run, from JSON text or from a value, and completes nothing: a missing field is an error.
 * It is for those who run a recipe or plan to have it run; everybody else takes `parseEnvelope`.
 * @throws RecipeError naming the first wrong field.
 * @example
 * ```ts
 * const inputs = { models: [digestOf("one"), digestOf("other")] };
 * const recipe = { kind: "average", inputs, parameters: { method: "linear" }, arithmetic: arithmetics.averaging };
 * parseRecipe(JSON.stringify(recipe)).kind; // "average"
 * ```
 */
export function parseRecipe(source: unknown): Recipe {
  const recipe = parseEnvelope(source);
  const form = formOf(recipe);
  const parsed = v.safeParse(schemaOf(recipe.kind, form), recipe);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw new RecipeError(v.getDotPath(issue) ?? "recipe", sentenceOf(issue));
  }
  const found = form.rule?.(recipe);
  if (found) throw new RecipeError(found.field, found.problem);
  return recipe;
}

/** What the schema of a recipe of this kind and form is. */
export function schemaOf(kind: string, { inputs, parameters, seeded, computed }: Form): v.GenericSchema {
  const fields: { [name: string]: v.GenericSchema } = {
    kind: v.literal(kind),
    inputs: v.strictObject(Object.fromEntries(Object.entries(inputs).map(([role, arity]) => [role, inputSchemas[arity]]))),
    parameters,
    ...(seeded ? { seed: seeded === "optional" ? v.optional(seed) : seed } : {}),
    ...(computed ? { arithmetic: v.pipe(v.string(), v.minLength(1)) } : {}),
  };
  return v.strictObject(fields);
}

function formOf({ kind: name, parameters }: Recipe): Form {
  const kind = kindNamed(name);
  if (!kind) throw new RecipeError("kind", `unknown kind ${quote(name)}; expected one of ${Object.keys(kinds).join(", ")}`);
  if ("form" in kind) return kind.form;
  const generator = parameters["generator"];
  if (typeof generator === "string" && Object.hasOwn(kind.generators, generator)) return kind.generators[generator]!;
  const expected = `expected one of ${Object.keys(kind.generators).join(", ")}`;
  if (generator === undefined) throw new RecipeError("parameters.generator", `is missing; ${expected}`);
  throw new RecipeError("parameters.generator", `unknown generator ${quote(String(generator))}; ${expected}`);
}

/** What an issue says to somebody who has never heard of the validator. */
function sentenceOf({ kind, type, expected, input, message }: v.BaseIssue<unknown>): string {
  if (type === "strict_object" && expected === "never") return "there is no such field";
  if (kind === "schema" && input === undefined) return "is missing";
  return message.replace(/^Invalid length: Expected/, "expected a length of").replace(/^Invalid [a-z ]+: Expected/, "expected");
}
