import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type JsonValue,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** What is wrong with a field. */
export type Kind =
  | "missing"
  | "empty"
  | "too long"
  | "several lines"
  | "negative"
  | "huge"
  | "not finite"
  | "unknown value"
  | "strange text"
  | "unknown digest"
  | "too many"
  | "another wire type";

/** A request in which one field is wrong. `path` is as violations name fields: "header.digest", "models[0]". */
export type Mutation = { readonly path: string; readonly kind: Kind; readonly request: Message };

/** A digest that nothing has. */
const NOWHERE = `sha256:${"0123456789abcdef".repeat(4)}`;
const LONG = "x".repeat(5_000);
/** More than any list takes, but for those of digests to pin. */
const MANY = 20_000;
/** Messages within themselves, such as values of values, end here. */
const DEEPEST = 5;

/** Every request that differs from a right one in one field, at any depth. Messages that are absent are looked at as if they were empty. */
export function* mutationsOf(desc: DescMessage, right: Message): Generator<Mutation> {
  const json = toJson(desc, right, { useProtoFieldName: true }) as JsonObject;
  for (const { path, kind, changed } of mutate(desc, json, "", 0)) yield { path, kind, request: fromJson(desc, changed) };
  for (const field of desc.fields) {
    const { [field.name]: _, ...others } = json;
    const request = fromJson(desc, others);
    request.$unknown = [ofAnotherType(field)];
    yield { path: field.name, kind: "another wire type", request };
  }
}

type Change = { readonly path: string; readonly kind: Kind; readonly changed: JsonObject };

function* mutate(desc: DescMessage, json: JsonObject, prefix: string, depth: number): Generator<Change> {
  if (depth > DEEPEST || desc.typeName.startsWith("google.protobuf.")) return;
  for (const field of desc.fields) {
    const path = `${prefix}${field.name}`;
    const { [field.name]: present, ...others } = withoutRivals(field, json);
    const to = (value: JsonValue): JsonObject => ({ ...others, [field.name]: value });
    if (present !== undefined) yield { path, kind: "missing", changed: others };
    if (field.fieldKind === "scalar") {
      for (const [kind, value] of wrongScalars(field.scalar, present)) yield { path, kind, changed: to(value) };
    } else if (field.fieldKind === "enum") {
      yield { path, kind: "unknown value", changed: to(99) };
    } else if (field.fieldKind === "message") {
      if (present === undefined) yield { path, kind: "empty", changed: to({}) };
      for (const inner of mutate(field.message, objectOf(present), `${path}.`, depth + 1)) yield { ...inner, changed: to(inner.changed) };
    } else if (field.fieldKind === "list") {
      const list = (present ?? []) as readonly JsonValue[];
      const with0 = (value: JsonValue) => to([value, ...list.slice(1)]);
      if (field.listKind === "scalar") {
        for (const [kind, value] of wrongScalars(field.scalar, list[0])) yield { path: `${path}[0]`, kind, changed: with0(value) };
        yield { path, kind: "too many", changed: to(Array.from({ length: MANY }, () => list[0] ?? usual(field.scalar))) };
      } else if (field.listKind === "enum") {
        yield { path: `${path}[0]`, kind: "unknown value", changed: with0(99) };
      } else {
        if (list.length === 0) yield { path: `${path}[0]`, kind: "empty", changed: to([{}]) };
        yield { path, kind: "too many", changed: to(Array.from({ length: MANY }, () => list[0] ?? {})) };
        for (const inner of mutate(field.message, objectOf(list[0]), `${path}[0].`, depth + 1))
          yield { ...inner, changed: with0(inner.changed) };
      }
    } else {
      const value = Object.values(objectOf(present))[0] ?? (field.mapKind === "scalar" ? usual(field.scalar) : {});
      for (const [kind, key] of [
        ["empty", ""],
        ["too long", LONG],
      ] as const)
        yield { path, kind, changed: to({ [key]: value }) };
      if (field.mapKind !== "scalar") continue;
      const key = Object.keys(objectOf(present))[0] ?? "key";
      for (const [kind, wrong] of wrongScalars(field.scalar, value)) yield { path, kind, changed: to({ [key]: wrong }) };
    }
  }
}

/** Only one field of a oneof may be there. */
function withoutRivals(field: DescField, json: JsonObject): JsonObject {
  const rivals = new Set(field.oneof?.fields.filter((other) => other !== field).map(({ name }) => name));
  return Object.fromEntries(Object.entries(json).filter(([name]) => !rivals.has(name)));
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}

function* wrongScalars(type: ScalarType, right: JsonValue | undefined): Generator<readonly [Kind, JsonValue]> {
  switch (type) {
    case ScalarType.STRING:
      if (right !== undefined) yield ["empty", ""];
      yield ["too long", LONG];
      yield ["several lines", "two\nlines \u0000\u2028"];
      yield typeof right === "string" && right.startsWith("sha256:") ? ["unknown digest", NOWHERE] : ["strange text", "🍆 no such thing"];
      return;
    case ScalarType.BYTES:
      yield ["empty", ""];
      yield ["unknown value", Buffer.from("no such thing").toString("base64")];
      return;
    case ScalarType.BOOL:
      return;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      yield ["negative", -1];
      yield ["huge", 1e300];
      yield ["not finite", "NaN"];
      yield ["not finite", "Infinity"];
      return;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      yield ["huge", 0xffffffff];
      return;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      yield ["huge", "18446744073709551615"];
      return;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      yield ["negative", -1];
      yield ["huge", 0x7fffffff];
      return;
    default:
      yield ["negative", "-1"];
      yield ["huge", "9223372036854775807"];
  }
}

function usual(type: ScalarType): JsonValue {
  if (type === ScalarType.STRING || type === ScalarType.BYTES) return "eHh4";
  return type === ScalarType.BOOL ? true : 1;
}

/** The field on the wire as a type that it does not have: a number where it has a length, else a length. */
function ofAnotherType(field: DescField): NonNullable<Message["$unknown"]>[number] {
  const number =
    field.fieldKind === "enum" || (field.fieldKind === "scalar" && field.scalar !== ScalarType.STRING && field.scalar !== ScalarType.BYTES);
  if (number)
    return { no: field.number, wireType: WireType.LengthDelimited, data: new BinaryWriter().bytes(new Uint8Array([1, 2, 3])).finish() };
  return { no: field.number, wireType: WireType.Varint, data: new BinaryWriter().uint32(7).finish() };
}
