import { createHash } from "node:crypto";
import * as v from "valibot";
import { giveWay } from "#libs/concurrency";
import {
  byteQueue,
  createIndexBuilder,
  type ImageIndex,
  ImageSetError,
  indexFormats,
  type Shard,
  type ShardContent,
} from "#libs/image-sets";
import { excerpt } from "#libs/text";

const NEWLINE = 0x0a;
/** Names of domains and classes, or of one record. */
const MOST_FIRST_BYTES = 64 << 20;
const MOST_HEAD_BYTES = 16 << 10;
const MOST_RECORD_BYTES = 1 << 30;
const STEP = 256;

const firstSchema = v.strictObject({ classes: v.array(v.string()), domains: v.array(v.string()), format: v.literal(indexFormats.records) });
const natural = v.pipe(v.number(), v.integer(), v.minValue(0));
const headSchema = v.union([
  v.strictTuple([natural, natural, natural, v.string()]),
  v.strictTuple([natural, natural, natural, v.string(), v.string()]),
]);

/**
 * The index of shards of records, made of nothing but their bytes: see packRecords.
 * @throws ImageSetError for a shard that is cut short or none of records, and for one with other classes or domains than the first
 */
export async function indexRecords(shards: AsyncIterable<ShardContent>, signal?: AbortSignal): Promise<ImageIndex> {
  const builder = createIndexBuilder();
  const done: Shard[] = [];
  let names: v.InferOutput<typeof firstSchema> | undefined;
  let firstLine: string | undefined;
  let row = 0;
  for await (const { digest, bytes, content } of shards) {
    const label = `shard ${done.length}`;
    await using source = byteQueue(content);
    const line = await lineOf(source, MOST_FIRST_BYTES, label);
    names ??= parse(firstSchema, line ?? "", `${label} is no shard of records`);
    firstLine ??= line;
    if (line !== firstLine) throw new ImageSetError(`${label} has other domains or classes than the first shard`);
    for (;;) {
      const begin = source.position();
      const head = await lineOf(source, MOST_HEAD_BYTES, label);
      if (head === undefined) {
        if (source.position() === begin && begin === bytes) break;
        throw new ImageSetError(`${label} is cut short: it ends after ${source.position()} of ${bytes} bytes`);
      }
      const where = `${label}: at byte ${begin}`;
      const [size, domain, place, name, item] = parse(headSchema, head, where);
      if (domain >= names.domains.length || place >= names.classes.length || size > MOST_RECORD_BYTES)
        throw new ImageSetError(`${where}: ${excerpt(head, 100)} names a domain or a class that is not there`);
      const offset = source.position();
      const record = await source.take(size + 1);
      if (record?.[size] !== NEWLINE)
        throw new ImageSetError(`${label} is cut short: the record at byte ${offset} does not end after ${size} bytes`);
      const sha256 = createHash("sha256").update(record.subarray(0, size)).digest();
      builder.add({ domain, class: place, shard: done.length, offset, bytes: size, sha256, name, item });
      if (row++ % STEP === 0) {
        await giveWay();
        signal?.throwIfAborted();
      }
    }
    done.push({ digest, bytes });
  }
  if (names === undefined) throw new ImageSetError("there is no shard of records");
  return builder.build({ of: "records", domains: names.domains, classes: names.classes, shards: done });
}

async function lineOf(source: ReturnType<typeof byteQueue>, most: number, label: string): Promise<string | undefined> {
  try {
    const line = await source.takeLine(most);
    return line === undefined ? undefined : Buffer.from(line).toString();
  } catch (cause) {
    if (cause instanceof RangeError) throw new ImageSetError(`${label} is no shard of records: ${cause.message}`, { cause });
    throw cause;
  }
}

function parse<T>(schema: v.GenericSchema<unknown, T>, line: string, where: string): T {
  try {
    return v.parse(schema, JSON.parse(line));
  } catch (cause) {
    throw new ImageSetError(`${where}: ${excerpt(line, 100)} is not what a line of a shard of records has to be`, { cause });
  }
}
