import type { Digest } from "#libs/recipes";
import { createTextsBuilder, type Texts, textOfRow } from "./texts.ts";

/** What an index is of, as its file says: images, or records whose bytes only those who train on them know to read. */
export const indexFormats = { images: "ratatouille-images/1", records: "ratatouille-records/1" } as const;
export type IndexOf = keyof typeof indexFormats;

/** A shard that an index speaks of. */
export type Shard = { readonly digest: Digest; readonly bytes: number };

/**
 * Where each image of a set is, and what it is. Row i is the image i: its columns have one value a row. The images themselves stay in
 * shards, as the files that they were. Records have the same columns.
 */
export type ImageIndex = {
  readonly of: IndexOf;
  readonly count: number;
  readonly domains: readonly string[];
  readonly classes: readonly string[];
  readonly shards: readonly Shard[];
  /** [count], places in `domains`. */
  readonly domain: Int32Array;
  /** [count], places in `classes`. */
  readonly class: Int32Array;
  /** [count], places in `shards`. */
  readonly shard: Int32Array;
  /** [count], bytes from the beginning of the shard. */
  readonly offset: Float64Array;
  /** [count], bytes of the file. */
  readonly bytes: Float64Array;
  /** [count, 32], of the bytes of each file. */
  readonly sha256: Uint8Array;
  /** UTF-8 of all names, one after the other. */
  readonly name: Uint8Array;
  /** [count], where each name ends. */
  readonly nameEnd: Int32Array;
  /** [count], what each image shows, empty where nobody says; absent where nobody says it of any. See itemOfRow. */
  readonly items?: Texts;
};

/** One image, as it enters an index. */
export type IndexRow = {
  readonly domain: number;
  readonly class: number;
  readonly shard: number;
  readonly offset: number;
  readonly bytes: number;
  /** 32 bytes. */
  readonly sha256: Uint8Array;
  readonly name: string;
  /** What the image shows, where somebody says. */
  readonly item?: string | undefined;
};

export const SHA256_BYTES = 32;

/** Collects rows one by one. */
export type IndexBuilder = {
  add(row: IndexRow): void;
  /** @param names of images, unless it says another thing */
  build(names: Pick<ImageIndex, "domains" | "classes" | "shards"> & { readonly of?: IndexOf }): ImageIndex;
};

/** An empty index that grows. */
export function createIndexBuilder(): IndexBuilder {
  let count = 0;
  let room = 1024;
  let columns = allocate(room);
  const names = createTextsBuilder();
  const items = createTextsBuilder();
  let withItems = false;
  return {
    add(row) {
      if (count === room) {
        room *= 2;
        columns = grown(columns, allocate(room));
      }
      names.add(row.name);
      items.add(row.item ?? "");
      withItems ||= row.item !== undefined && row.item !== "";
      columns.domain[count] = row.domain;
      columns.class[count] = row.class;
      columns.shard[count] = row.shard;
      columns.offset[count] = row.offset;
      columns.bytes[count] = row.bytes;
      columns.sha256.set(row.sha256, count * SHA256_BYTES);
      count++;
    },
    build(given) {
      const { text, end } = names.build();
      return {
        of: "images",
        ...given,
        count,
        domain: columns.domain.subarray(0, count),
        class: columns.class.subarray(0, count),
        shard: columns.shard.subarray(0, count),
        offset: columns.offset.subarray(0, count),
        bytes: columns.bytes.subarray(0, count),
        sha256: columns.sha256.subarray(0, count * SHA256_BYTES),
        name: text,
        nameEnd: end,
        ...(withItems ? { items: items.build() } : {}),
      };
    },
  };
}

/**
 * What an image is called within its class.
 * @param row from 0
 */
export function nameOfRow({ name, nameEnd }: Pick<ImageIndex, "name" | "nameEnd">, row: number): string {
  return textOfRow({ text: name, end: nameEnd }, row);
}

/** The bytes of an image, as a text that only equal ones have. */
export function contentOf({ sha256 }: Pick<ImageIndex, "sha256">, row: number): string {
  return Buffer.from(sha256.buffer, sha256.byteOffset + row * SHA256_BYTES, SHA256_BYTES).toString("latin1");
}

/** The row of an index, as it would enter another one. */
export function rowOf(index: ImageIndex, row: number): IndexRow {
  return {
    domain: index.domain[row]!,
    class: index.class[row]!,
    shard: index.shard[row]!,
    offset: index.offset[row]!,
    bytes: index.bytes[row]!,
    sha256: index.sha256.subarray(row * SHA256_BYTES, (row + 1) * SHA256_BYTES),
    name: nameOfRow(index, row),
    ...(index.items === undefined ? {} : { item: textOfRow(index.items, row) }),
  };
}

type Columns = {
  readonly [name in "domain" | "class" | "shard"]: Int32Array<ArrayBuffer>;
} & { readonly [name in "offset" | "bytes"]: Float64Array<ArrayBuffer> } & { readonly sha256: Uint8Array<ArrayBuffer> };

function allocate(rows: number): Columns {
  const int32 = () => new Int32Array(rows);
  const float64 = () => new Float64Array(rows);
  const sha256 = new Uint8Array(rows * SHA256_BYTES);
  return { domain: int32(), class: int32(), shard: int32(), offset: float64(), bytes: float64(), sha256 };
}

function grown(from: Columns, to: Columns): Columns {
  for (const key of Object.keys(from) as (keyof Columns)[]) to[key].set(from[key]);
  return to;
}
