import { mix } from "#libs/deterministic";

/**
 * The seed of the random numbers that belong to a name, for example to a model and a tensor: FNV-1a over its UTF-16 units, begun with the
 * seed and mixed at the end. Parts are kept apart, so ("ab", "c") differs from ("a", "bc").
 */
export function seedOf(seed: number, ...parts: readonly string[]): number {
  let hash = mix(seed ^ 0x811c9dc5);
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) hash = Math.imul(hash ^ part.charCodeAt(i), 0x01000193);
    hash = mix(hash ^ part.length);
  }
  return hash >>> 0;
}
