/**
 * The noun that goes with a count: the first for one, the second for every other number, zero too.
 * @param many the plural where it is not the noun with an "s"
 * @example plural(2, "directory", "directories") // "directories"
 */
export function plural(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}

/**
 * A count and its noun.
 * @param many the plural where it is not the noun with an "s"
 * @example counted(3, "tensor") // "3 tensors"
 */
export function counted(count: number, one: string, many?: string): string {
  return `${count} ${plural(count, one, many)}`;
}

/**
 * "a", "a and b", "a, b and c"; with another word in place of "and", such as "or".
 * @example
 * ```ts
 * list(["a", "b", "c"]); // "a, b and c"
 * list(["a", "b"], "or"); // "a or b"
 * ```
 */
export function list(items: readonly string[], word = "and"): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} ${word} ${items.at(-1)}`;
}
