import { giveWay } from "#libs/concurrency";
import { ImageSetError, indexFormats, type PackedShard } from "#libs/image-sets";
import { canonicalJson, digestOf } from "#libs/recipes";
import { quote } from "#libs/text";
import type { LabelledRecord } from "../types.ts";

/** What a shard has at most. */
const SHARD_BYTES = 128 << 20;
const NEWLINE = 0x0a;
/** Records between two pauses. */
const STEP = 256;

export type PackRecordsOptions = {
  /** Their places are the numbers in the shards. */
  readonly domains: readonly string[];
  readonly classes: readonly string[];
  /** What a shard has at most; 128 MiB unless given. Other sizes are for tests: they make other bytes. */
  readonly shardBytes?: number;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Packs records into shards. A shard begins with a line, canonical JSON with `classes`, `domains` and `format`. For each record follow a line
 * `[bytes,domain,class,"name"]` or `[bytes,domain,class,"name","item"]`, with the places of its domain and class, its bytes, and a newline.
 * Equal records in equal order make equal bytes, on every machine. In memory is one shard.
 * @throws ImageSetError for a record that is larger than a shard; what the records throw; the signal's reason
 * @example
 * ```ts
 * const record = { domain: "news", class: "noun", name: "1", content: Buffer.from('{"label":"noun"}') };
 * async function* records() {
 *   yield record;
 * }
 * const texts: string[] = [];
 * for await (const { content } of packRecords(records(), { domains: ["news"], classes: ["noun"] })) texts.push(Buffer.from(content).toString());
 * texts[0]!.split("\n")[1]; // '[16,0,0,"1"]'
 * ```
 */
export async function* packRecords(
  records: AsyncIterable<LabelledRecord>,
  { domains, classes, shardBytes = SHARD_BYTES, signal }: PackRecordsOptions,
): AsyncGenerator<PackedShard, void, undefined> {
  const [domainPlaces, classPlaces] = [domains, classes].map((names) => new Map(names.map((name, place) => [name, place])));
  const first = Buffer.from(`${canonicalJson({ classes: [...classes], domains: [...domains], format: indexFormats.records })}\n`);
  // Memory that nothing was written to yet is none.
  const buffer = new Uint8Array(shardBytes);
  buffer.set(first);
  let [used, shards, row] = [first.length, 0, 0];

  function finish(): PackedShard {
    const content = buffer.subarray(0, used);
    used = first.length;
    return { digest: digestOf(content), bytes: content.length, name: `shard-${String(shards++).padStart(6, "0")}.records`, content };
  }

  for await (const { domain, class: label, name, item, content } of records) {
    const places = [domainPlaces!.get(domain), classPlaces!.get(label)] as const;
    if (places[0] === undefined || places[1] === undefined)
      throw new ImageSetError(`the record ${quote(`${domain}/${name}`)} has the class ${quote(label)}, which was not there before`);
    const head = Buffer.from(`${JSON.stringify([content.length, ...places, name, ...(item === undefined ? [] : [item])])}\n`);
    const needed = head.length + content.length + 1;
    if (first.length + needed > shardBytes)
      throw new ImageSetError(
        `the record ${quote(`${domain}/${name}`)} has ${content.length} bytes: a record may have ${shardBytes} at most`,
      );
    if (used + needed > shardBytes) {
      yield finish();
      signal?.throwIfAborted();
    }
    buffer.set(head, used);
    buffer.set(content, used + head.length);
    used += needed;
    buffer[used - 1] = NEWLINE;
    if (row++ % STEP === 0) {
      await giveWay();
      signal?.throwIfAborted();
    }
  }
  if (used > first.length) yield finish();
}
