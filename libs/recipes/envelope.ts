import { isDigest } from "./canonical.ts";
import { plainProblem } from "./plain.ts";
import { type Recipe, RecipeError } from "./recipe.ts";

const fields: ReadonlySet<string> = new Set(["kind", "inputs", "parameters", "seed", "arithmetic"]);
const LARGEST_SEED = 2 ** 32 - 1;
const LONGEST_ARITHMETIC = 200;

/**
 * Reads a recipe of any kind, also of one that this version does not know, from JSON text or from a value. It looks at the form alone: a
 * name of a kind, inputs that are digests, parameters that are plain JSON, a seed, an arithmetic, nothing else. That is all that storing,
 * listing and showing need; what the parameters of a kind are is said by `parseRecipe`, which is for those who run it.
 * @throws RecipeError naming the first wrong field.
 * @example
 * ```ts
 * parseEnvelope('{"kind": "distil", "inputs": {}, "parameters": {"students": 3}}').kind; // "distil"
 * ```
 */
export function parseEnvelope(source: unknown): Recipe {
  const value = typeof source === "string" ? parseJson(source) : source;
  if (!isObject(value)) throw new RecipeError("recipe", "expected an object");
  const found = plainProblem(value);
  if (found) throw new RecipeError(found.path || "recipe", found.problem);
  const { kind, inputs, parameters, seed, arithmetic } = value;
  if (typeof kind !== "string" || !/^[a-z][a-z0-9-]{0,63}$/.test(kind)) {
    throw new RecipeError("kind", 'expected the name of a kind, such as "average"');
  }
  const stranger = Object.keys(value).find((name) => !fields.has(name));
  if (stranger !== undefined) throw new RecipeError(stranger, "there is no such field");
  checkInputs(inputs);
  if (!isObject(parameters)) throw new RecipeError("parameters", parameters === undefined ? "is missing" : "expected an object");
  if (seed !== undefined && !(Number.isInteger(seed) && (seed as number) >= 0 && (seed as number) <= LARGEST_SEED)) {
    throw new RecipeError("seed", `expected a whole number from 0 to ${LARGEST_SEED}`);
  }
  if (arithmetic !== undefined && !(typeof arithmetic === "string" && isName(arithmetic))) {
    throw new RecipeError("arithmetic", `expected a text of 1 to ${LONGEST_ARITHMETIC} printable characters`);
  }
  return value as Recipe;
}

function checkInputs(inputs: unknown): void {
  if (!isObject(inputs)) throw new RecipeError("inputs", inputs === undefined ? "is missing" : "expected an object");
  for (const [role, input] of Object.entries(inputs)) {
    if (!/^[A-Za-z][A-Za-z0-9]{0,63}$/.test(role)) throw new RecipeError("inputs", "names of roles are 1 to 64 letters and digits");
    if (Array.isArray(input) && input.length === 0) throw new RecipeError(`inputs.${role}`, "expected at least one digest; leave it out");
    const wrong = Array.isArray(input) ? input.findIndex((one) => !isDigest(one)) : -1;
    if (wrong >= 0 || !(Array.isArray(input) || isDigest(input))) {
      const field = `inputs.${role}${wrong >= 0 ? `.${wrong}` : ""}`;
      throw new RecipeError(field, "Expected a digest: sha256: and 64 hexadecimal digits");
    }
  }
}

function isName(text: string): boolean {
  return text.length >= 1 && text.length <= LONGEST_ARITHMETIC && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RecipeError("recipe", "not JSON", { cause });
  }
}
