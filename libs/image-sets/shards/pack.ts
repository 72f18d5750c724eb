import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync } from "node:fs";
import { giveWay } from "#libs/concurrency";
import { BLOCK_BYTES, END_BYTES, entryBytes, errorCode, paddedBytes, readAt, writeTarHeader } from "#libs/files";
import { canonicalJson, digestOf } from "#libs/recipes";
import { quote } from "#libs/text";
import { ImageSetError } from "../errors.ts";
import { storedExtension } from "../read/extensions.ts";
import type { ImageContent, LabelledImage } from "../types.ts";
import { createIndexBuilder, type ImageIndex, type Shard } from "./image-index.ts";

/** What a shard has at most. */
const SHARD_BYTES = 128 << 20;
/** Of the number of an image, by which its files in a shard are named. */
const KEY_DIGITS = 9;

/** A shard in memory. */
export type PackedShard = Shard & {
  /** `shard-000000.tar` and so on. */
  readonly name: string;
  /** The whole archive. The next shard takes its place. */
  readonly content: Uint8Array;
};

export type PackOptions = {
  /** Each has an image. Their places are the numbers in the shards. */
  readonly classes: readonly string[];
  /** What a shard has at most; 128 MiB unless given. Other sizes are for tests: they make other bytes. */
  readonly shardBytes?: number;
  /** Whether there is an index afterwards, for which each image is hashed. True by default. */
  readonly indexed?: boolean;
  readonly signal?: AbortSignal | undefined;
};

/** Shards as they are packed, and the index of what they hold. */
export type Packing = {
  readonly shards: AsyncIterable<PackedShard>;
  /** What has been packed: of everything, once there are no more shards. Empty where none was asked for. */
  index(): ImageIndex;
};

/**
 * Packs images into tar archives that others read too (WebDataset): each image is three files, `000000012.jpg` with the bytes of the image
 * unchanged, `000000012.cls` with the number of its class and `000000012.json` with the names of class, domain, image and, where it has one, item. Equal images
 * in equal order make equal bytes, on every machine.
 * @throws ImageSetError for an image that cannot be read, is empty, has no extension of an image, or is larger than a shard; the signal's reason
 * @example
 * ```ts
 * const pixels = { width: 1, height: 1, channels: 1, data: Uint8Array.of(7) } as const;
 * const image = { domain: "photo", class: "cat", name: "1.png", content: { make: () => encodePng(pixels) } };
 * const packing = packImages([image], { classes: ["cat"] });
 * const sizes: [string, number][] = [];
 * for await (const { name, bytes } of packing.shards) sizes.push([name, bytes]);
 * sizes; // [["shard-000000.tar", 4096]]
 * packing.index().count; // 1
 * ```
 */
export function packImages(images: Iterable<LabelledImage> | AsyncIterable<LabelledImage>, options: PackOptions): Packing {
  const { classes, shardBytes = SHARD_BYTES, indexed = true, signal } = options;
  const places = new Map(classes.map((name, place) => [name, place]));
  const domains = new Map<string, number>();
  const shards: Shard[] = [];
  const builder = createIndexBuilder();
  // Memory that nothing was written to yet is none.
  const buffer = new Uint8Array(shardBytes);
  let used = 0;
  let row = 0;

  function addFile(name: string, size: number, fill: (into: Uint8Array) => void): Uint8Array {
    const begin = used + BLOCK_BYTES;
    writeTarHeader(buffer.subarray(used, begin), name, size);
    const place = buffer.subarray(begin, begin + size);
    fill(place);
    used = begin + paddedBytes(size);
    buffer.fill(0, begin + size, used);
    return place;
  }

  function finish(): PackedShard {
    buffer.fill(0, used, used + END_BYTES);
    const content = buffer.subarray(0, used + END_BYTES);
    used = 0;
    const shard = { digest: digestOf(content), bytes: content.length };
    shards.push(shard);
    return { ...shard, name: `shard-${String(shards.length - 1).padStart(6, "0")}.tar`, content };
  }

  async function* pack(): AsyncGenerator<PackedShard, void, undefined> {
    for await (const image of images) {
      const extension = storedExtension(image.name);
      const number = places.get(image.class);
      if (extension === undefined) throw new ImageSetError(`${quote(image.name)} has no extension of an image that can be read`);
      if (number === undefined) throw new RangeError(`the class ${quote(image.class)} of ${quote(image.name)} is not among the classes`);
      const domain = domains.get(image.domain) ?? domains.size;
      domains.set(image.domain, domain);
      using source = openContent(image.content);
      const label = Buffer.from(String(number));
      const { item } = image;
      const said = { class: image.class, domain: image.domain, name: image.name, ...(item ? { item } : {}) };
      const facts = Buffer.from(canonicalJson(said));
      const needed = entryBytes(source.size) + entryBytes(label.length) + entryBytes(facts.length);
      if (needed + END_BYTES > shardBytes)
        throw new ImageSetError(`${nameOf(image)} has ${source.size} bytes: an image may have ${shardBytes} with its labels at most`);
      if (used + needed + END_BYTES > shardBytes) {
        yield finish();
        signal?.throwIfAborted();
      }
      const key = String(row).padStart(KEY_DIGITS, "0");
      const offset = used + BLOCK_BYTES;
      const content = addFile(`${key}.${extension}`, source.size, source.fill);
      addFile(`${key}.cls`, label.length, (into) => into.set(label));
      addFile(`${key}.json`, facts.length, (into) => into.set(facts));
      if (indexed) {
        const sha256 = createHash("sha256").update(content).digest();
        builder.add({ domain, class: number, shard: shards.length, offset, bytes: source.size, sha256, name: image.name, item });
      }
      row++;
      await giveWay();
      signal?.throwIfAborted();
    }
    if (used > 0) yield finish();
  }

  return { shards: pack(), index: () => builder.build({ domains: [...domains.keys()], classes, shards: [...shards] }) };
}

type OpenContent = Disposable & { readonly size: number; fill(into: Uint8Array): void };

/** Read straight into its place in a shard: nothing is copied. */
function openContent(content: ImageContent): OpenContent {
  if ("make" in content) {
    const bytes = content.make();
    return { size: bytes.length, fill: (into) => into.set(bytes), [Symbol.dispose]: () => undefined };
  }
  const { path } = content;
  const reading = <T>(read: () => T): T => {
    try {
      return read();
    } catch (cause) {
      throw new ImageSetError(`${path} cannot be read: ${errorCode(cause) === "ENOENT" ? "it is gone" : (cause as Error).message}`, {
        cause,
      });
    }
  };
  const descriptor = reading(() => openSync(path, "r"));
  const { size } = fstatSync(descriptor);
  const close = () => closeSync(descriptor);
  if (size === 0) {
    close();
    throw new ImageSetError(`${path} is empty: it has 0 bytes`);
  }
  const fill = (into: Uint8Array) => {
    const read = reading(() => readAt(descriptor, into, 0));
    if (read < into.length) throw new ImageSetError(`${path} became shorter while it was read`);
  };
  return { size, fill, [Symbol.dispose]: close };
}

function nameOf({ domain, class: label, name }: LabelledImage): string {
  return quote(`${domain}/${label}/${name}`);
}
