import { type RawBuilder, sql, type Transaction } from "kysely";
import { type Digest, isDigest, type ReadManifest } from "#libs/recipes";
import { quote } from "#libs/text";
import { CatalogError, invalidField } from "./errors.ts";
import type { Parents } from "./search/compile.ts";
import type { Position } from "./search/order.ts";
import type { Filter } from "./search/parse-filter.ts";
import { parentsNamedIn, type Search, search } from "./search/search.ts";
import type { CatalogDatabase, CatalogTables } from "./store/tables.ts";

/** An artifact as the catalog keeps it. */
export type ArtifactRecord = {
  /** The order of publication. */
  readonly sequence: number;
  readonly digest: Digest;
  readonly kind: ReadManifest["kind"];
  readonly manifest: Uint8Array;
  readonly recipeKey: Digest;
  /** In the order of the recipe. */
  readonly inputs: readonly Digest[];
  readonly blobs: readonly { readonly digest: Digest; readonly size: number }[];
  readonly sizeBytes: number;
  readonly damaged: boolean;
  /** Something that it was made of is damaged, and its recipe has made another one since. */
  readonly stale: boolean;
  /** When it was last published, in ms since 1970. */
  readonly publishedAt: number;
  readonly annotations: { readonly [name: string]: string };
  /** Refs that point to it, and tags, in the order of names; at most 100. */
  readonly names: readonly string[];
};

/** A page of a list, with where the next one starts; undefined after the last. */
export type Page<T, Position> = { readonly items: readonly T[]; readonly next: Position | undefined };

/** Replies stay below gRPC's limit of 4 MiB for one message, with room for what is not counted. */
export const MAX_REPLY_BYTES = 3 * 1024 * 1024;
/** Digests, numbers and tags of an artifact, and of each of its inputs, on the wire. */
const RECORD_BYTES = 256;
const INPUT_BYTES = 80;
/** Candidates that an ambiguous prefix is answered with. */
const MAX_CANDIDATES = 10;

/** Finding artifacts. */
export type Artifacts = {
  /** The artifact with a digest, given whole or as a prefix. CatalogError ARTIFACT_NOT_FOUND, AMBIGUOUS_DIGEST. */
  byDigest(digest: string): Promise<ArtifactRecord>;
  /** The artifact that a ref or a tag, which has a ":", names. CatalogError REF_NOT_FOUND, TAG_NOT_FOUND. */
  byName(name: string): Promise<ArtifactRecord>;
  /** By digest, or by name where it cannot be the beginning of one. */
  named(text: string): Promise<ArtifactRecord>;
  /** The artifact of a recipe; if there are several, the one that is not damaged, else the newest. Undefined if there is none. */
  byRecipeKey(key: Digest): Promise<ArtifactRecord | undefined>;
  /** What fulfils a filter, in an order. CatalogError as byDigest for artifacts that the filter names. */
  list(request: Search): Promise<Page<ArtifactRecord, Position>>;
  /** In this order; those that are gone meanwhile are left out. */
  bySequences(sequences: readonly number[]): Promise<ArtifactRecord[]>;
};

type Row = {
  sequence: number;
  digest: string;
  kind: string;
  manifest: Uint8Array;
  recipe_key: string;
  size_bytes: number;
  damaged: number;
  stale: number;
  touched_at: number;
  /** JSON: arrays, an object, and an array of names. */
  inputs: string;
  blobs: string;
  annotations: string;
  names: string;
};

/** Names that are told of one artifact. */
const MAX_NAMES = 100;

/** Whole artifacts, each with all that replies tell of it: one statement, since most calls are about one of them. */
const records = sql<Row>`
  select sequence, digest, kind, manifest, recipe_key, size_bytes, damaged, stale, touched_at,
    (select json_group_array(input.digest order by position) from artifact_input join artifact as input on input.sequence = input
      where artifact_input.artifact = artifact.sequence) as inputs,
    (select json_group_array(json_object('digest', blob, 'size', size)) from artifact_blob where artifact_blob.artifact = artifact.digest) as blobs,
    (select json_group_object(name, value) from annotation where annotation.artifact = artifact.sequence) as annotations,
    (select json_group_array(name) from (
      select name from ref where ref.digest = artifact.digest
      union select name from tag where tag.artifact = artifact.sequence order by name limit ${sql.lit(MAX_NAMES)})) as names
  from artifact`;

/** Finds artifacts in the database. */
export function createArtifacts(database: CatalogDatabase): Artifacts {
  const { query } = database;

  /** Nearly every call is about one artifact by its whole digest: kysely builds its statement once. */
  const ofDigest = sql<Row>`${records} where digest = ${""}`.compile(query);

  async function byWholeDigest(digest: string): Promise<ArtifactRecord[]> {
    return (await query.executeQuery<Row>({ ...ofDigest, parameters: [digest] })).rows.map(toRecord);
  }

  async function find(condition: RawBuilder<unknown>): Promise<ArtifactRecord[]> {
    const { rows } = await sql<Row>`${records} where ${condition}`.execute(query);
    return rows.map(toRecord);
  }

  async function bySequences(sequences: readonly number[]): Promise<ArtifactRecord[]> {
    const found = await find(sql`sequence in (select value from json_each(${JSON.stringify(sequences)}))`);
    const records = new Map(found.map((record) => [record.sequence, record]));
    return sequences.flatMap((sequence) => records.get(sequence) ?? []);
  }

  async function parentsOf(filter: Filter | undefined): Promise<Parents> {
    const parents = new Map<string, number>();
    for (const name of parentsNamedIn(filter)) parents.set(name, (await (isDigestPrefix(name) ? byDigest(name) : byName(name))).sequence);
    return parents;
  }

  async function byDigest(name: string): Promise<ArtifactRecord> {
    const prefix = parsePrefix(name);
    // "g" comes after every hexadecimal digit.
    const beginsSo = sql`digest >= ${prefix} and digest < ${`${prefix}g`} order by digest limit ${MAX_CANDIDATES}`;
    const found = isDigest(prefix) ? await byWholeDigest(prefix) : await find(beginsSo);
    if (found.length > 1) {
      const candidates = found.map(({ digest }) => digest).join(", ");
      throw new CatalogError("AMBIGUOUS_DIGEST", `${name} is the beginning of several digests: ${candidates}`, {
        facts: { candidates },
        field: "digest",
      });
    }
    const [record] = found;
    if (!record) throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact ${name}`, { facts: { digest: name } });
    return record;
  }

  async function byName(name: string): Promise<ArtifactRecord> {
    const isTag = name.includes(":");
    const [record] = await find(
      isTag ? sql`sequence = (select artifact from tag where name = ${name})` : sql`digest = (select digest from ref where name = ${name})`,
    );
    if (record) return record;
    throw new CatalogError(isTag ? "TAG_NOT_FOUND" : "REF_NOT_FOUND", `no ${isTag ? "tag" : "ref"} ${JSON.stringify(name)}`, {
      facts: { [isTag ? "tag" : "ref"]: name },
    });
  }

  return {
    byDigest,
    bySequences,
    byName,
    named: (name) => (isDigestPrefix(name) ? byDigest(name) : byName(name)),

    async byRecipeKey(key) {
      return (await find(sql`recipe_key = ${key} order by damaged, sequence desc limit 1`))[0];
    },

    async list(request) {
      const { positions, more } = await search(database, await parentsOf(request.filter), request);
      const sequences = JSON.stringify(positions.map(({ sequence }) => sequence));
      // Sizes first: the manifests of a page may be a hundred times what one reply takes.
      const { rows: sizes } = await sql<{ place: number; manifest: number; inputs: number }>`
        select one.key as place, length(manifest) as manifest,
          (select count(*) from artifact_input where artifact_input.artifact = artifact.sequence) as inputs
        from json_each(${sequences}) as one join artifact on artifact.sequence = one.value order by one.key`.execute(query);
      const { items, more: cut } = fitReply(sizes, sizes.length, ({ manifest, inputs }) => bytesOf(manifest, inputs));
      const shown = items.map(({ place }) => positions[place]!.sequence);
      return { items: await bySequences(shown), next: cut ? positions[items.at(-1)!.place] : more };
    },
  };
}

/** What an artifact takes in a reply, at most. */
export function replyBytes({ manifest, inputs }: Pick<ArtifactRecord, "manifest" | "inputs">): number {
  return bytesOf(manifest.byteLength, inputs.length);
}

/** Inputs stand in a reply twice, in the manifest and beside it. */
function bytesOf(manifest: number, inputs: number): number {
  return manifest + RECORD_BYTES + INPUT_BYTES * inputs;
}

/** Takes items until the page or the reply is full, at least one. */
export function fitReply<T>(rows: readonly T[], size: number, bytesOf: (row: T) => number): { items: T[]; more: boolean } {
  const items: T[] = [];
  let bytes = 0;
  for (const row of rows.slice(0, size)) {
    bytes += bytesOf(row);
    if (items.length > 0 && bytes > MAX_REPLY_BYTES) break;
    items.push(row);
  }
  return { items, more: items.length < rows.length };
}

/** Whether all of these artifacts are in the catalog, damaged or not: returns the first that is not. */
export async function firstMissing(tx: Transaction<CatalogTables>, digests: readonly string[]): Promise<string | undefined> {
  const { rows } = await sql<{ value: string }>`
    select value from json_each(${JSON.stringify(digests)}) where value not in (select digest from artifact) limit 1`.execute(tx);
  return rows[0]?.value;
}

function parsePrefix(text: string): string {
  const hex = text.startsWith("sha256:") ? text.slice("sha256:".length) : text;
  if (!/^[0-9a-f]{8,64}$/.test(hex)) {
    throw invalidField(
      "digest",
      `expected "sha256:" and 64 lower-case hexadecimal digits, or at least the first 8 of them; got ${quote(text)}`,
    );
  }
  return `sha256:${hex}`;
}

function isDigestPrefix(text: string): boolean {
  return /^sha256:|^[0-9a-f]{8,64}$/.test(text);
}

function toRecord(row: Row): ArtifactRecord {
  return {
    sequence: row.sequence,
    digest: row.digest as Digest,
    kind: row.kind as ReadManifest["kind"],
    manifest: row.manifest,
    recipeKey: row.recipe_key as Digest,
    inputs: JSON.parse(row.inputs),
    blobs: JSON.parse(row.blobs),
    sizeBytes: row.size_bytes,
    damaged: row.damaged !== 0,
    stale: row.stale !== 0,
    publishedAt: row.touched_at,
    annotations: JSON.parse(row.annotations),
    names: JSON.parse(row.names),
  };
}
