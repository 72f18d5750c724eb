import type * as v from "valibot";
import type { ArtifactKind } from "../artifact-kinds.ts";
import type { Recipe } from "../recipe.ts";

/** How many artifacts a role of the inputs takes. */
export type Arity = "one" | "many" | "optional-one" | "optional-many";

/** What a recipe of a kind holds: its inputs by role, its parameters, and whether there are a seed and an arithmetic. */
export type Form = {
  readonly inputs: { readonly [role: string]: Arity };
  readonly parameters: v.GenericSchema;
  readonly seeded: boolean | "optional";
  readonly computed: boolean;
  /** What its fields have to say together, and do not: the field, and the rest of the sentence. */
  readonly rule?: (recipe: Recipe) => { readonly field: string; readonly problem: string } | undefined;
};

/** A kind of recipe: what it makes, and its one form, or one for each generator that `parameters.generator` may name. */
export type Kind = {
  /** One sentence for those who implement it elsewhere. */
  readonly about: string;
  readonly makes: readonly ArtifactKind[];
} & ({ readonly form: Form } | { readonly generators: { readonly [name: string]: Form } });
