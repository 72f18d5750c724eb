import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { getComments } from "@bufbuild/protoplugin";

/** A JSON Schema (2020-12), as OpenAPI 3.1 has them. */
export type Schema = { readonly [keyword: string]: unknown };

/** Where the schema of a message or an enum is. */
export function reference({ typeName }: DescMessage | DescEnum): Schema {
  return { $ref: `#/components/schemas/${typeName}` };
}

/**
 * The schemas of messages and all that they are made of, by name: protobuf's mapping to JSON (https://protobuf.dev/programming-guides/json),
 * with the comments of the protos.
 * @throws Error for a well-known type whose JSON nobody has written down here
 */
export function schemasOf(messages: Iterable<DescMessage>): ReadonlyMap<string, Schema> {
  const schemas = new Map<string, Schema>();
  const add = (type: DescMessage | DescEnum) => {
    if (schemas.has(type.typeName)) return;
    // Its place, before what it is made of: a message may be a part of itself.
    schemas.set(type.typeName, {});
    schemas.set(type.typeName, type.kind === "enum" ? enumSchema(type) : messageSchema(type));
    if (type.kind === "enum" || wellKnown[type.typeName] !== undefined) return;
    for (const field of type.fields) {
      const part = field.message ?? field.enum;
      if (part !== undefined) add(part);
    }
  };
  for (const message of messages) add(message);
  return new Map([...schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The comment before a thing in the protos; undefined where there is none. */
export function descriptionOf(desc: Parameters<typeof getComments>[0]): { readonly description?: string } {
  const { leading, trailing } = getComments(desc);
  const text = (leading ?? trailing ?? "").replace(/^ /gm, "").trim();
  return text === "" ? {} : { description: text };
}

const wellKnown: Readonly<Record<string, Schema>> = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
  "google.protobuf.Duration": { type: "string", pattern: "^-?\\d+(\\.\\d{1,9})?s$" },
  "google.protobuf.Struct": { type: "object" },
  "google.protobuf.Value": {},
  "google.protobuf.ListValue": { type: "array" },
};

function messageSchema(message: DescMessage): Schema {
  const known = wellKnown[message.typeName];
  if (known !== undefined) return known;
  if (message.typeName.startsWith("google.protobuf."))
    throw new Error(`services/web/openapi does not know the JSON of ${message.typeName}`);
  const choices = message.oneofs.filter(({ fields }) => fields.length > 1).map(({ fields }) => fields.map(({ jsonName }) => jsonName));
  const said = [descriptionOf(message).description ?? "", ...choices.map((names) => `At most one of ${names.join(", ")}.`)].filter(Boolean);
  return {
    type: "object",
    ...(said.length > 0 ? { description: said.join("\n") } : {}),
    properties: Object.fromEntries(message.fields.map((field) => [field.jsonName, fieldSchema(field)])),
  };
}

function fieldSchema(field: DescField): Schema {
  const deprecated = field.proto.options?.deprecated === true ? { deprecated: true } : {};
  return { ...valueSchema(field), ...descriptionOf(field), ...deprecated };
}

function valueSchema(field: DescField): Schema {
  switch (field.fieldKind) {
    case "scalar":
      return scalarSchema(field.scalar);
    case "enum":
      return reference(field.enum);
    case "message":
      return reference(field.message);
    case "list":
      return { type: "array", items: partSchema(field) };
    case "map":
      return { type: "object", additionalProperties: partSchema(field) };
  }
}

function partSchema(field: DescField & { fieldKind: "list" | "map" }): Schema {
  if (field.message !== undefined) return reference(field.message);
  if (field.enum !== undefined) return reference(field.enum);
  return scalarSchema(field.scalar as ScalarType);
}

/** Numbers of 64 bits are texts, as JavaScript's have 53; numbers are read, too. */
const wide = (format: string): Schema => ({ type: ["string", "integer"], format });

function scalarSchema(type: ScalarType): Schema {
  switch (type) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { anyOf: [{ type: "number" }, { enum: ["NaN", "Infinity", "-Infinity"] }] };
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return wide("int64");
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return wide("uint64");
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", minimum: 0, maximum: 2 ** 32 - 1 };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: "integer", format: "int32" };
  }
}

function enumSchema(type: DescEnum): Schema {
  const values = type.values.map((value) => {
    const { description } = descriptionOf(value);
    return description === undefined ? "" : `\n- ${value.name}: ${description.replaceAll("\n", " ")}`;
  });
  const description = `${descriptionOf(type).description ?? ""}${values.join("")}`.trim();
  return { type: "string", enum: type.values.map(({ name }) => name), ...(description === "" ? {} : { description }) };
}
