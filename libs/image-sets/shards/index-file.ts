import * as v from "valibot";
import { isDigest } from "#libs/recipes";
import { type Dtype, writeSafetensors } from "#libs/tensors";
import { excerpt } from "#libs/text";
import { type Columns, openColumns } from "../columns.ts";
import { type ImageIndex, type IndexOf, indexFormats, SHA256_BYTES, type Shard } from "./image-index.ts";
import type { Texts } from "./texts.ts";

/**
 * An index as a safetensors file: `domain`, `class`, `shard` and `nameEnd` I32 [n], `offset` and `bytes` I64 [n], `sha256` U8 [n, 32], `name`
 * U8 [bytes of all names], and where images have them likewise `item` and `itemEnd`. The metadata have `format`, and as JSON `domains`, `classes` and `shards`. Equal indices have equal bytes.
 */
export function encodeIndex(index: ImageIndex): Uint8Array {
  const { count, items } = index;
  const column = (name: string, dtype: Dtype, values: ArrayBufferView, shape: readonly number[] = [count]) => ({
    name,
    dtype,
    shape,
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  });
  return writeSafetensors(
    [
      column("domain", "I32", index.domain),
      column("class", "I32", index.class),
      column("shard", "I32", index.shard),
      column("nameEnd", "I32", index.nameEnd),
      column("offset", "I64", BigInt64Array.from(index.offset, BigInt)),
      column("bytes", "I64", BigInt64Array.from(index.bytes, BigInt)),
      column("sha256", "U8", index.sha256, [count, SHA256_BYTES]),
      column("name", "U8", index.name, [index.name.length]),
      ...(items === undefined ? [] : [column("item", "U8", items.text, [items.text.length]), column("itemEnd", "I32", items.end)]),
    ],
    {
      format: indexFormats[index.of],
      domains: JSON.stringify(index.domains),
      classes: JSON.stringify(index.classes),
      shards: JSON.stringify(index.shards.map(({ digest, bytes }) => ({ digest, bytes }))),
    },
  );
}

/**
 * Reads what `encodeIndex` wrote. The result owns its memory.
 * @throws ImageSetError for bytes that are no index: it names the column, or the row
 */
export function decodeIndex(file: Uint8Array): ImageIndex {
  const columns = openColumns(file, "an index of images or records", Object.values(indexFormats));
  const { bytesOf, lengthOf } = columns;
  const count = lengthOf("domain");
  const int32 = (name: string) => new Int32Array(bytesOf(name, "I32", [count]).buffer);
  const int64 = (name: string) => Float64Array.from(new BigInt64Array(bytesOf(name, "I64", [count]).buffer), Number);
  const format = columns.metadata.get("format");
  const index: ImageIndex = {
    of: (Object.keys(indexFormats) as IndexOf[]).find((of) => indexFormats[of] === format)!,
    count,
    domains: listOf(columns, "domains", v.string()),
    classes: listOf(columns, "classes", v.string()),
    shards: listOf(columns, "shards", shardSchema),
    domain: int32("domain"),
    class: int32("class"),
    shard: int32("shard"),
    nameEnd: int32("nameEnd"),
    offset: int64("offset"),
    bytes: int64("bytes"),
    sha256: bytesOf("sha256", "U8", [count, SHA256_BYTES]),
    name: bytesOf("name", "U8", [lengthOf("name")]),
    ...(lengthOf("itemEnd") > 0 ? { items: { text: bytesOf("item", "U8", [lengthOf("item")]), end: int32("itemEnd") } } : {}),
  };
  checkRows(index, columns);
  return index;
}

const shardSchema = v.strictObject({
  digest: v.custom<Shard["digest"]>(isDigest),
  bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

function listOf<T>({ metadata, wrong }: Columns, name: string, item: v.GenericSchema<unknown, T>): readonly T[] {
  try {
    return v.parse(v.array(item), JSON.parse(metadata.get(name) ?? ""));
  } catch (cause) {
    throw wrong(`its ${name} are ${excerpt(metadata.get(name) ?? "missing")}, expected a list`, cause);
  }
}

function checkRows({ count, domains, classes, shards, ...columns }: ImageIndex, { wrong }: Columns): void {
  const within = (name: "domain" | "class" | "shard", size: number) => {
    const row = columns[name].findIndex((value) => value < 0 || value >= size);
    if (row >= 0) throw wrong(`row ${row} has the ${name} ${columns[name][row]}, expected 0 to ${size - 1}`);
  };
  within("domain", domains.length);
  within("class", classes.length);
  within("shard", shards.length);
  for (let row = 0; row < count; row++) {
    const [offset, bytes] = [columns.offset[row]!, columns.bytes[row]!];
    const shard = shards[columns.shard[row]!]!;
    if (offset < 0 || bytes < 0 || offset + bytes > shard.bytes) throw wrong(`row ${row} is beyond the end of its shard`);
  }
  const texts = { name: { text: columns.name, end: columns.nameEnd }, ...(columns.items ? { item: columns.items } : {}) };
  for (const [what, { text, end }] of Object.entries<Texts>(texts)) {
    const row = end.findIndex((at, i) => at < (end[i - 1] ?? 0) || at > text.length);
    if (row >= 0) throw wrong(`the ${what} of row ${row} ends at ${end[row]}, before it begins or after all ${what}s`);
  }
}
