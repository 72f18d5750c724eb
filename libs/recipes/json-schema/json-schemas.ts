import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { Kind } from "../kinds/kind.ts";
import { kinds } from "../kinds/kinds.ts";
import { schemaOf } from "../parse-recipe.ts";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";
/** The only schema of ours that is a function. */
const digest: JsonSchema = { type: "string", pattern: "^sha256:[0-9a-f]{64}$" };

/**
 * The JSON Schema of each kind of recipe, as the text of a file by the file's name, for those who run recipes in other languages. It says
 * what one field may hold, also that a parameter does not stand there with its usual value (`default`); what fields have to say together
 * is in the comments of libs/recipes/kinds.
 * @example
 * ```ts
 * const { properties } = JSON.parse(jsonSchemas().get("split.json") ?? "");
 * properties.kind; // { const: "split" }
 * ```
 */
export function jsonSchemas(): ReadonlyMap<string, string> {
  return new Map(Object.entries(kinds).map(([name, kind]) => [`${name}.json`, `${JSON.stringify(ofKind(name, kind), undefined, 2)}\n`]));
}

function ofKind(name: string, kind: Kind): object {
  const forms = "form" in kind ? [kind.form] : Object.values(kind.generators);
  const schemas = forms.map((form) => ofSchema(schemaOf(name, form)));
  const described = { $schema: DRAFT, title: `A recipe of kind ${name}`, description: kind.about };
  return schemas.length === 1 ? { ...described, ...schemas[0] } : { ...described, oneOf: schemas };
}

function ofSchema(schema: v.GenericSchema): JsonSchema {
  const { $schema: _, ...converted } = toJsonSchema(schema, {
    target: "draft-2020-12",
    // Numbers in JSON are finite, and what has to hold of several items is said in words.
    ignoreActions: ["finite", "check"],
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === "custom" ? digest : undefined),
    overrideAction({ valibotAction, jsonSchema }) {
      if (valibotAction.type !== "metadata") return undefined;
      const { default: usual } = (valibotAction as unknown as { readonly metadata: { readonly default: JsonSchema["default"] } }).metadata;
      return { ...jsonSchema, default: usual, not: { const: usual } } as JsonSchema;
    },
  });
  return converted;
}
