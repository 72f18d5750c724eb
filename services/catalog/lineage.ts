import { type RawBuilder, sql } from "kysely";
import type { ArtifactRecord, Artifacts, Page } from "./artifacts.ts";
import { fitReply, MAX_REPLY_BYTES, replyBytes } from "./artifacts.ts";
import { CatalogError } from "./errors.ts";
import type { CatalogDatabase } from "./store/tables.ts";

/** Which way a walk goes: to what an artifact was made of, or to what was made of it. */
export type Walk = {
  readonly direction: "ancestors" | "descendants";
  /** Only from models to the models that were put together to make them, or back. */
  readonly membersOnly: boolean;
  /** Steps; 0: all. */
  readonly depth: number;
};

/** Where artifacts come from and what became of them. */
export type Lineage = {
  /** An artifact and all that the walk reaches, breadth first, each once. CatalogError as byDigest, and LINEAGE_TOO_LARGE. */
  whole(digest: string, walk: Walk): Promise<ArtifactRecord[]>;
  /**
   * The same in pages, by publication: ancestors newest first, descendants oldest first. `after` is the sequence at which the last page
   * ended, undefined for the first, which begins with the artifact itself. CatalogError as byDigest.
   */
  page(digest: string, walk: Walk, options: { size: number; after?: number | undefined }): Promise<Page<ArtifactRecord, number>>;
  /** An artifact and all that it was made of, newest first. CatalogError as Artifacts.named, LINEAGE_TOO_LARGE where there are more than `most`. */
  ancestors(name: string, most: number): Promise<number[]>;
  /** The nearest common ancestors, newest first, as many as fit a reply; an artifact is its own ancestor. CatalogError as byDigest. */
  commonAncestors(digests: readonly string[]): Promise<ArtifactRecord[]>;
};

/** Walks the lineage in the database. An input is always published before what is made of it, so that its sequence is smaller. */
export function createLineage({
  database,
  artifacts,
  wide: manyDescendants = WIDE,
}: {
  database: CatalogDatabase;
  artifacts: Artifacts;
  /** More descendants are not gathered for each page of them. */
  wide?: number;
}): Lineage {
  const { query } = database;
  const wides = new Set<string>();

  async function sequencesOf(statement: RawBuilder<{ sequence: number }>): Promise<number[]> {
    return (await statement.execute(query)).rows.map(({ sequence }) => sequence);
  }

  /** Descendants that are too many to be gathered for each page. They only become more, but for collections of garbage. */
  async function isWide(start: number, walk: Walk): Promise<boolean> {
    if (walk.direction === "ancestors" || walk.depth > 0) return false;
    const key = `${start} ${walk.membersOnly}`;
    if (wides.has(key)) return true;
    const { rows } = await sql<{ count: number }>`
      ${closure([start], walk)} select count(*) as count from (select 1 from walk limit ${manyDescendants + 1})`.execute(query);
    if (rows[0]!.count <= manyDescendants) return false;
    if (wides.size >= MOST_WIDES) wides.clear();
    wides.add(key);
    return true;
  }

  /** A part of all that is reached. */
  async function narrow(start: number, walk: Walk, size: number, after: number | undefined): Promise<Reached> {
    const [behind, order] = walk.direction === "ancestors" ? ["<", "desc"] : [">", "asc"];
    const found = await sequencesOf(sql`
      ${closure([start], walk)}
      select distinct sequence from walk ${after === undefined ? sql`` : sql`where sequence ${sql.raw(behind)} ${after}`}
      order by sequence ${sql.raw(order)} limit ${size + 1}`);
    return found.length > size ? { found: found.slice(0, size), next: found[size - 1] } : { found, next: undefined };
  }

  /** Where nearly everything descends from the start: asks artifact by artifact whether it does, with a walk back that soon meets it. */
  async function wide(start: number, walk: Walk, size: number, after: number | undefined): Promise<Reached> {
    const { members } = columnsOf({ ...walk, direction: "ancestors" });
    const found: number[] = after === undefined ? [start] : [];
    let at = after ?? start;
    for (let left = MOST_LOOKED_AT; left > 0; left -= BLOCK) {
      const looked = await sequencesOf(sql`select sequence from artifact where sequence > ${at} order by sequence limit ${BLOCK}`);
      const reached = await sequencesOf(sql`
        select one.value as sequence from json_each(${JSON.stringify(looked)}) as one where exists (
          with recursive back (sequence) as (
            values (one.value)
            union select input from back cross join artifact_input on artifact_input.artifact = back.sequence
            where input >= ${start} and ${members})
          select 1 from back where sequence = ${start})`);
      for (const sequence of reached) {
        if (found.length === size) return { found, next: found.at(-1) };
        found.push(sequence);
      }
      at = looked.at(-1) ?? at;
      if (looked.length < BLOCK) return { found, next: undefined };
    }
    return { found, next: at };
  }

  return {
    async whole(name, walk) {
      const start = await artifacts.byDigest(name);
      const found = new Map([[start.sequence, start]]);
      let bytes = replyBytes(start);
      let front = [start.sequence];
      for (let step = 0; front.length > 0 && (walk.depth === 0 || step < walk.depth); step++) {
        const next = (await sequencesOf(neighbours(front, walk))).filter((sequence) => !found.has(sequence));
        for (const record of await artifacts.bySequences(next)) {
          bytes += replyBytes(record);
          if (bytes > MAX_REPLY_BYTES) {
            throw new CatalogError(
              "LINEAGE_TOO_LARGE",
              `the lineage of ${start.digest} does not fit one reply; ask for pages of it, or for depth ${Math.max(step, 1)} and go on from there`,
            );
          }
          found.set(record.sequence, record);
        }
        front = next;
      }
      return [...found.values()];
    },

    async page(name, walk, { size, after }) {
      const start = await artifacts.byDigest(name);
      const reached = (await isWide(start.sequence, walk))
        ? await wide(start.sequence, walk, size, after)
        : await narrow(start.sequence, walk, size, after);
      const { items, more } = fitReply(await artifacts.bySequences(reached.found), size, replyBytes);
      return { items, next: more ? items.at(-1)?.sequence : reached.next };
    },

    async ancestors(name, most) {
      const start = await artifacts.named(name);
      const found = await sequencesOf(sql`
        ${closure([start.sequence], TO_ALL_ANCESTORS)} select sequence from walk order by sequence desc limit ${most + 1}`);
      if (found.length <= most) return found;
      throw new CatalogError("LINEAGE_TOO_LARGE", `the lineage of ${start.digest} has more than ${most} artifacts`);
    },

    async commonAncestors(names) {
      const starts = [...new Set(await Promise.all(names.map(async (name) => (await artifacts.byDigest(name)).sequence)))];
      let common: ReadonlySet<number> | undefined;
      for (const start of starts) {
        const ancestors = new Set(await sequencesOf(sql`${closure([start], TO_ALL_ANCESTORS)} select sequence from walk`));
        common = common === undefined ? ancestors : common.intersection(ancestors);
      }
      // Ancestors of common ancestors are common ones too: those that no other of them was made of are the nearest.
      const all = JSON.stringify([...(common ?? [])]);
      const nearest = await sequencesOf(sql`
        with common (sequence) as materialized (select value from json_each(${all}))
        select sequence from common where not exists (
          select 1 from artifact_input where input = common.sequence and artifact in (select sequence from common))
        order by sequence desc limit ${MOST_COMMON}`);
      return fitReply(await artifacts.bySequences(nearest), nearest.length, replyBytes).items;
    },
  };
}

/** A part of what is reached, in order, and where to go on. */
type Reached = { readonly found: readonly number[]; readonly next: number | undefined };

const WIDE = 10_000;
const MOST_WIDES = 1000;
/** Artifacts that are asked about in one statement, and for one page. */
const BLOCK = 250;
const MOST_LOOKED_AT = 2_000;
const MOST_COMMON = 500;
const TO_ALL_ANCESTORS: Walk = { direction: "ancestors", membersOnly: false, depth: 0 };

/** One step from each of these. */
function neighbours(sequences: readonly number[], walk: Walk): RawBuilder<{ sequence: number }> {
  const { from, to, members } = columnsOf(walk);
  return sql`
    select distinct ${to} as sequence from artifact_input join json_each(${JSON.stringify(sequences)}) as front on ${from} = front.value
    where ${members} order by ${walk.direction === "ancestors" ? sql`artifact, position` : sql`artifact`}`;
}

/** `walk`: these and what is reached from them. */
function closure(sequences: readonly number[], walk: Walk): RawBuilder<unknown> {
  const { from, to, members } = columnsOf(walk);
  const start = sql`select value from json_each(${JSON.stringify(sequences)})`;
  // Without an end to the depth each artifact is in the table once, however many ways lead to it.
  if (walk.depth === 0) {
    return sql`with recursive walk (sequence) as (
      ${start} union select ${to} from walk cross join artifact_input on ${from} = walk.sequence where ${members})`;
  }
  return sql`with recursive steps (sequence, depth) as (
      select value, 0 from (${start})
      union select ${to}, depth + 1 from steps cross join artifact_input on ${from} = steps.sequence where depth < ${walk.depth} and ${members}),
    walk (sequence) as (select sequence from steps)`;
}

function columnsOf({ direction, membersOnly }: Walk) {
  const [from, to] =
    direction === "ancestors"
      ? [sql`artifact_input.artifact`, sql`artifact_input.input`]
      : [sql`artifact_input.input`, sql`artifact_input.artifact`];
  const members = membersOnly
    ? sql`artifact_input.role = 'models' and exists (select 1 from artifact where sequence = artifact_input.artifact and kind = 'model')`
    : sql`true`;
  return { from, to, members };
}
