import type { Dataset } from "#libs/datasets";
import type { Weights } from "#libs/learning";
import { type Digest, RecipeError } from "#libs/recipes";

/** An input artifact in memory. `licences` are those of everything that went into it. */
export type Input = { readonly licences: readonly string[] } & (
  | { readonly kind: "source"; readonly files: ReadonlyMap<string, Uint8Array> }
  | { readonly kind: "dataset"; readonly dataset: Dataset }
  | { readonly kind: "model"; readonly weights: Weights }
);

/** Brings an input artifact into memory. */
export type LoadInput = (digest: Digest) => Promise<Input>;

/** An input that has to be of one kind. @throws RecipeError naming the role. */
export function expectKind<K extends Input["kind"]>(input: Input, kind: K, role: string): Extract<Input, { kind: K }> {
  if (input.kind !== kind) throw new RecipeError(`inputs.${role}`, `expected a ${kind}, got a ${input.kind}`);
  return input as Extract<Input, { kind: K }>;
}
