import { createHash } from "node:crypto";
import * as v from "valibot";
import { quote } from "#libs/text";
import { ImageSetError } from "../errors.ts";
import { storedExtension } from "../read/extensions.ts";
import { createIndexBuilder, type ImageIndex, type Shard } from "./image-index.ts";
import { readTar, type TarFile } from "./read-tar.ts";

/** A shard to be read: what it is, and its bytes as they come. */
export type ShardContent = Shard & { readonly content: AsyncIterable<Uint8Array> };

/** Most classes that images may have. */
const MOST_CLASSES = 65_536;

/** The three files of an image: see packImages. */
type Sample = { readonly image: TarFile; readonly number: number; readonly facts: v.InferOutput<typeof factsSchema> };

const factsSchema = v.strictObject({ class: v.string(), domain: v.string(), item: v.optional(v.string()), name: v.string() });

/**
 * The index of shards, made of nothing but their bytes: whoever packed them, and whoever wants to check an index, comes to the same one.
 * Domains are in the order in which they are first seen, classes in that of their numbers.
 * @throws ImageSetError for a shard that is cut short or no archive, for files that are not those of an image, and for numbers and names of
 * classes that do not belong together
 */
export async function indexShards(shards: Iterable<ShardContent> | AsyncIterable<ShardContent>, signal?: AbortSignal): Promise<ImageIndex> {
  const domains = new Map<string, number>();
  const classes: string[] = [];
  const numbers = new Map<string, number>();
  const done: Shard[] = [];
  const builder = createIndexBuilder();
  for await (const { digest, bytes, content } of shards) {
    const label = `shard ${done.length}`;
    for await (const { image, number, facts } of samplesOf(readTar(content, label), label)) {
      signal?.throwIfAborted();
      if ((classes[number] ?? facts.class) !== facts.class || (numbers.get(facts.class) ?? number) !== number) {
        throw new ImageSetError(`${label}: ${image.name} has the class ${number}, ${quote(facts.class)}, which others have otherwise`);
      }
      classes[number] = facts.class;
      numbers.set(facts.class, number);
      const domain = domains.get(facts.domain) ?? domains.size;
      domains.set(facts.domain, domain);
      const sha256 = createHash("sha256").update(image.bytes).digest();
      const { name, item } = facts;
      builder.add({ domain, class: number, shard: done.length, offset: image.offset, bytes: image.bytes.length, sha256, name, item });
    }
    done.push({ digest, bytes });
  }
  const hole = Array.from(classes).indexOf(undefined as never);
  if (hole >= 0) throw new ImageSetError(`no image in the shards has the class ${hole}`);
  return builder.build({ domains: [...domains.keys()], classes, shards: done });
}

async function* samplesOf(files: AsyncIterable<TarFile>, label: string): AsyncGenerator<Sample, void, undefined> {
  let group: TarFile[] = [];
  for await (const file of files) {
    const [first] = group;
    if (first !== undefined && keyOf(first) !== keyOf(file)) {
      yield sampleOf(group, label);
      group = [];
    }
    group.push(file);
  }
  if (group.length > 0) yield sampleOf(group, label);
}

function sampleOf(files: readonly TarFile[], label: string): Sample {
  const where = `${label}: the files of ${quote(keyOf(files[0]!))}`;
  const find = (extension: string) => files.find(({ name }) => name.endsWith(`.${extension}`));
  const [image, label_, facts] = [files.find(({ name }) => storedExtension(name) !== undefined), find("cls"), find("json")];
  if (files.length !== 3 || image === undefined || label_ === undefined || facts === undefined) {
    throw new ImageSetError(`${where} are ${files.map(({ name }) => quote(name)).join(", ")}: expected an image, .cls and .json`);
  }
  const text = Buffer.from(label_.bytes).toString();
  if (!/^(?:0|[1-9]\d{0,8})$/.test(text)) throw new ImageSetError(`${where}: the class is ${quote(text)}, expected a number`);
  if (Number(text) >= MOST_CLASSES) throw new ImageSetError(`${where}: the class is ${text}, expected one below ${MOST_CLASSES}`);
  return { image, number: Number(text), facts: parseFacts(facts.bytes, where) };
}

function parseFacts(bytes: Uint8Array, where: string): Sample["facts"] {
  const text = Buffer.from(bytes).toString();
  try {
    return v.parse(factsSchema, JSON.parse(text));
  } catch (cause) {
    throw new ImageSetError(`${where}: ${quote(text)} is not {"class": …, "domain": …, "name": …}`, { cause });
  }
}

/** What WebDataset takes for the name of an image: all before the first dot. */
function keyOf({ name }: TarFile): string {
  return name.slice(0, name.indexOf("."));
}
