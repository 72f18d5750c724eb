import { sql, type Transaction } from "kysely";
import type { ArtifactKind, Digest, ReadManifest } from "#libs/recipes";
import { quote } from "#libs/text";
import { CatalogError, invalidField } from "./errors.ts";
import type { CatalogDatabase, CatalogTables } from "./store/tables.ts";

/** An artifact as the catalog keeps it. */
export type ArtifactRecord = {
  readonly digest: Digest;
  readonly kind: ReadManifest["kind"];
  readonly manifest: Uint8Array;
  readonly recipeKey: Digest;
  /** In the order of the recipe. */
  readonly inputs: readonly Digest[];
  readonly sizeBytes: number;
  readonly damaged: boolean;
  /** Something that it was made of is damaged, and its recipe has made another one since. */
  readonly stale: boolean;
  /** When it was last published, in ms since 1970. */
  readonly publishedAt: number;
};

/** A page of a list, with where the next one starts; undefined after the last. */
export type Page<T, Position> = { readonly items: readonly T[]; readonly next: Position | undefined };

/** Replies stay below gRPC's limit of 4 MiB for one message, with room for what is not counted. */
const MAX_REPLY_BYTES = 3 * 1024 * 1024;
/** Digests, numbers and tags of an artifact, and of each of its inputs, on the wire. */
const RECORD_BYTES = 256;
const INPUT_BYTES = 80;
/** Candidates that an ambiguous prefix is answered with. */
const MAX_CANDIDATES = 10;

/** Finding artifacts. */
export type Artifacts = {
  /** The artifact with a digest, given whole or as a prefix. CatalogError ARTIFACT_NOT_FOUND, AMBIGUOUS_DIGEST. */
  byDigest(digest: string): Promise<ArtifactRecord>;
  /** The artifact of a recipe; if there are several, the one that is not damaged, else the newest. Undefined if there is none. */
  byRecipeKey(key: Digest): Promise<ArtifactRecord | undefined>;
  /** The blobs of an artifact. */
  blobsOf(digest: Digest): Promise<{ digest: Digest; size: number }[]>;
  /** Newest first. `before` is where the last page ended. */
  list(options: { kind?: ArtifactKind | undefined; size: number; before?: number | undefined }): Promise<Page<ArtifactRecord, number>>;
  /** An artifact, its inputs, theirs, …, breadth first, each once, at most `depth` steps. CatalogError as byDigest, and LINEAGE_TOO_LARGE. */
  lineage(digest: string, depth: number): Promise<ArtifactRecord[]>;
};

type Row = {
  digest: string;
  kind: string;
  manifest: Uint8Array;
  recipe_key: string;
  size_bytes: number;
  damaged: number;
  stale: number;
  touched_at: number;
  sequence: number;
};

const inputCount = sql<number>`(select count(*) from artifact_input where artifact_input.artifact = artifact.digest)`;

const columns = ["sequence", "digest", "kind", "manifest", "recipe_key", "size_bytes", "damaged", "stale", "touched_at"] as const;

/** Finds artifacts in the database. */
export function createArtifacts(database: CatalogDatabase): Artifacts {
  const { query } = database;

  async function withInputs(rows: readonly Row[]): Promise<ArtifactRecord[]> {
    const inputs = new Map<string, Digest[]>(rows.map(({ digest }) => [digest, []]));
    if (rows.length > 0) {
      const found = await query
        .selectFrom("artifact_input")
        .selectAll()
        .where("artifact", "in", [...inputs.keys()])
        .orderBy("position")
        .execute();
      for (const { artifact, input } of found) inputs.get(artifact)?.push(input as Digest);
    }
    return rows.map((row) => toRecord(row, inputs.get(row.digest) ?? []));
  }

  async function byDigest(name: string): Promise<ArtifactRecord> {
    const prefix = parsePrefix(name);
    const rows = await query
      .selectFrom("artifact")
      .select(columns)
      .where("digest", ">=", prefix)
      // "g" comes after every hexadecimal digit.
      .where("digest", "<", `${prefix}g`)
      .orderBy("digest")
      .limit(MAX_CANDIDATES)
      .execute();
    if (rows.length > 1) {
      const candidates = rows.map(({ digest }) => digest).join(", ");
      throw new CatalogError("AMBIGUOUS_DIGEST", `${name} is the beginning of several digests: ${candidates}`, {
        facts: { candidates },
        field: "digest",
      });
    }
    const [record] = await withInputs(rows);
    if (!record) throw new CatalogError("ARTIFACT_NOT_FOUND", `no artifact ${name}`, { facts: { digest: name } });
    return record;
  }

  return {
    byDigest,

    async byRecipeKey(key) {
      const rows = await query
        .selectFrom("artifact")
        .select(columns)
        .where("recipe_key", "=", key)
        .orderBy("damaged")
        .orderBy("sequence", "desc")
        .limit(1)
        .execute();
      return (await withInputs(rows))[0];
    },

    async blobsOf(digest) {
      const rows = await query.selectFrom("artifact_blob").select(["blob", "size"]).where("artifact", "=", digest).execute();
      return rows.map(({ blob, size }) => ({ digest: blob as Digest, size }));
    },

    async list({ kind, size, before }) {
      let select = query
        .selectFrom("artifact")
        .select(["sequence", sql<number>`length(manifest)`.as("manifest"), inputCount.as("inputs")])
        .orderBy("sequence", "desc")
        .limit(size + 1);
      if (kind !== undefined) select = select.where("kind", "=", kind);
      if (before !== undefined) select = select.where("sequence", "<", before);
      // Sizes first: the manifests of a page may be a hundred times what one reply takes.
      const { items, more } = fitReply(await select.execute(), size, ({ manifest, inputs }) => bytesOf(manifest, inputs));
      const sequences = items.map(({ sequence }) => sequence);
      const rows = await query
        .selectFrom("artifact")
        .select(columns)
        .where("sequence", "in", sequences)
        .orderBy("sequence", "desc")
        .execute();
      return { items: await withInputs(rows), next: more ? sequences.at(-1) : undefined };
    },

    async lineage(name, depth) {
      const start = await byDigest(name);
      const found = new Map<string, ArtifactRecord>([[start.digest, start]]);
      let bytes = replyBytes(start);
      let front = [start];
      for (let step = 0; front.length > 0 && (depth === 0 || step < depth); step++) {
        const wanted = [...new Set(front.flatMap(({ inputs }) => inputs))].filter((digest) => !found.has(digest));
        front = [];
        for (const digest of wanted) {
          const record = await byDigest(digest);
          bytes += replyBytes(record);
          if (bytes > MAX_REPLY_BYTES) {
            throw new CatalogError(
              "LINEAGE_TOO_LARGE",
              `the lineage of ${start.digest} does not fit one reply; ask for depth ${Math.max(step, 1)} and go on from there`,
            );
          }
          found.set(digest, record);
          front.push(record);
        }
      }
      return [...found.values()];
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

function toRecord(row: Row, inputs: readonly Digest[]): ArtifactRecord {
  return {
    digest: row.digest as Digest,
    kind: row.kind as ReadManifest["kind"],
    manifest: row.manifest,
    recipeKey: row.recipe_key as Digest,
    inputs,
    sizeBytes: row.size_bytes,
    damaged: row.damaged !== 0,
    stale: row.stale !== 0,
    publishedAt: row.touched_at,
  };
}
