/** Refs that the registry keeps for itself begin so: what was pushed by digest, and what refers to what. */
export const REGISTRY_REFS = "oci/";

/**
 * Whether a ref is a name that people gave or mean, and no program keeps for itself.
 * @example
 * ```ts
 * isName("birds/champion"); // true
 * isName("oci/manifests/0a1b"); // false
 * ```
 */
export function isName(ref: string): boolean {
  return !ref.startsWith(REGISTRY_REFS);
}
