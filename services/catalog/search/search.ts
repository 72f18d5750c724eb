import { type RawBuilder, sql } from "kysely";
import type { CatalogDatabase } from "../store/tables.ts";
import { conditionOf, type Parents } from "./compile.ts";
import type { Order, Position } from "./order.ts";
import { comparisonsOf, type Filter } from "./parse-filter.ts";
import { selectBy } from "./selection.ts";

/** What is searched for. */
export type Search = {
  readonly filter: Filter | undefined;
  readonly order: Order;
  /** At most so many are found. */
  readonly size: number;
  /** Where the last page ended. */
  readonly after: Position | undefined;
};

/** Where artifacts were found, in order, and where the search ended if there may be more. */
export type Found = { readonly positions: readonly Position[]; readonly more: Position | undefined };

/** Artifacts that are looked at in one statement: at first, and at most. */
const FIRST_BLOCK = 250;
const LARGEST_BLOCK = 1000;
/** Artifacts that one search looks at: however rare a match is, others are answered meanwhile, and the next page goes on from there. */
const MOST_LOOKED_AT = 4_000;

/**
 * Finds artifacts in the order that is asked for. Positions are those of the sort key and the publication, so that a page goes on where the
 * last one ended whatever was published or deleted meanwhile. A page may have fewer than `size`, even none, with more behind it.
 */
export async function search(database: CatalogDatabase, parents: Parents, { filter, order, size, after }: Search): Promise<Found> {
  const condition = filter === undefined ? sql`true` : conditionOf(filter, parents);
  const selection = await selectBy(database, filter, parents);
  if (selection?.few) {
    const rows = await positionsOf(
      database,
      sql`
      select key, sequence from (${keysOf(order, selection.sequences)}) as sorted where ${isBehind(after, order)}
        and exists (select 1 from artifact where artifact.sequence = sorted.sequence and ${condition})
      order by ${inOrder(order)} limit ${size + 1}`,
    );
    return rows.length > size ? { positions: rows.slice(0, size), more: rows[size - 1] } : { positions: rows, more: undefined };
  }
  // The index of a comparison has what it selects in the order of publication.
  const keys = order.by === "created" && selection ? sql`select sequence as key, sequence from (${selection.sequences})` : keysOf(order);
  const positions: Position[] = [];
  let at = after;
  for (
    let block = Math.max(FIRST_BLOCK, size + 1), left = MOST_LOOKED_AT;
    left > 0;
    left -= block, block = Math.min(LARGEST_BLOCK, block * 4)
  ) {
    const looked = await positionsOf(
      database,
      sql`
      select key, sequence from (${keys}) as sorted where ${isBehind(at, order)} order by ${inOrder(order)} limit ${block}`,
    );
    const last = looked.at(-1);
    if (last === undefined) return { positions, more: undefined };
    for (const position of filter === undefined ? looked : await matching(database, looked, condition)) {
      if (positions.length === size) return { positions, more: positions.at(-1) };
      positions.push(position);
    }
    if (looked.length < block) return { positions, more: undefined };
    at = last;
  }
  return { positions, more: at };
}

/** The artifacts that a filter compares with. */
export function parentsNamedIn(filter: Filter | undefined): string[] {
  return filter === undefined ? [] : [...comparisonsOf(filter)].filter(({ field }) => field.type === "artifact").map(({ value }) => value);
}

async function positionsOf({ query }: CatalogDatabase, statement: RawBuilder<unknown>): Promise<Position[]> {
  const { rows } = await (statement as RawBuilder<Position>).execute(query);
  return rows;
}

/** Those of the positions whose artifacts fulfil a condition, in their order. */
async function matching({ query }: CatalogDatabase, looked: readonly Position[], condition: RawBuilder<unknown>): Promise<Position[]> {
  const { rows } = await sql<{ place: number }>`
    select one.key as place from json_each(${JSON.stringify(looked.map(({ sequence }) => sequence))}) as one
    cross join artifact on artifact.sequence = one.value where ${condition}`.execute(query);
  return rows
    .map(({ place }) => place)
    .sort((a, b) => a - b)
    .map((place) => looked[place]!);
}

/**
 * Every artifact, or each of a selection, once with what it is sorted by; without a value it is not among them. Of several values the first
 * in the order counts.
 */
function keysOf({ by, metric, direction }: Order, of?: RawBuilder<unknown>): RawBuilder<unknown> {
  const selected = of === undefined ? sql`true` : sql`sequence in (${of})`;
  if (by === "created") return sql`select sequence as key, sequence from artifact where ${selected}`;
  if (by === "size") return sql`select size_bytes as key, sequence from artifact where ${selected}`;
  // "+" keeps SQLite from looking for what is better among all artifacts.
  const better = sql`select 1 from artifact_metric as other where other.artifact = it.artifact and other.name = it.name
    and (+other.value, other.source) ${sql.raw(direction === "asc" ? "<" : ">")} (it.value, it.source)`;
  const from =
    of === undefined ? sql`artifact_metric as it` : sql`(${of}) as few cross join artifact_metric as it on it.artifact = few.sequence`;
  return sql`select it.value as key, it.artifact as sequence from ${from} where it.name = ${metric} and not exists (${better})`;
}

function isBehind(position: Position | undefined, { by, direction }: Order): RawBuilder<unknown> {
  if (position === undefined) return sql`true`;
  if (by === "created") return sql`sequence ${sql.raw(direction === "asc" ? ">" : "<")} ${position.sequence}`;
  return sql`(key, sequence) ${sql.raw(direction === "asc" ? ">" : "<")} (${position.key}, ${position.sequence})`;
}

function inOrder({ by, direction }: Order): RawBuilder<unknown> {
  if (by === "created") return sql.raw(`sequence ${direction}`);
  return sql.raw(`key ${direction}, sequence ${direction}`);
}
