/** What is wrong with a JSON value from outside, and where, as a path such as "parameters.files.2.path". */
export type PlainProblem = { readonly path: string; readonly problem: string };

const MOST_LEVELS = 32;
/** Names that every object has. Parsers drop them in silence, so what they say would be lost. */
const reserved: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * The first thing in a parsed JSON value that has no canonical text, or that a schema would leave out: a number that is not finite
 * (`1e999`), half of a surrogate pair, a name that every object has, more than 32 levels. Undefined if there is none.
 * @param path where the value stands.
 */
export function plainProblem(value: unknown, path = "", level = 0): PlainProblem | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : { path, problem: "expected a finite number" };
  if (typeof value === "string") return value.isWellFormed() ? undefined : { path, problem: "half of a surrogate pair is no text" };
  if (typeof value !== "object" || value === null) return undefined;
  if (level === MOST_LEVELS) return { path, problem: `expected at most ${MOST_LEVELS} levels` };
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      const problem = plainProblem(item, path === "" ? String(i) : `${path}.${i}`, level + 1);
      if (problem) return problem;
    }
    return undefined;
  }
  for (const [name, item] of Object.entries(value)) {
    if (!name.isWellFormed()) return { path, problem: "a name in it has half of a surrogate pair" };
    if (reserved.has(name)) return { path, problem: `${name} is a name that every object has; nothing can be called so` };
    const problem = plainProblem(item, path === "" ? name : `${path}.${name}`, level + 1);
    if (problem) return problem;
  }
  return undefined;
}
