import { type RawBuilder, sql } from "kysely";
import { CatalogError, invalidField } from "./errors.ts";
import { conditionOf } from "./search/compile.ts";
import { comparisonsOf, type Filter, parseFilter } from "./search/parse-filter.ts";
import type { CatalogDatabase, CatalogTables } from "./store/tables.ts";

/** What garbage collection keeps besides what refs, tags and pins need: what a filter finds, or, with `keepMoves`, where refs pointed before. */
export type RetentionRule = {
  readonly name: string;
  readonly filter: string;
  /** Of what the filter finds: for so long after its publication; 0: for ever. */
  readonly keepSeconds: number;
  readonly refPrefix: string;
  /** 0: the rule has a filter. */
  readonly keepMoves: number;
};

/** The rules of retention. */
export type Retention = {
  /** CatalogError INVALID_FIELD: the filter is wrong, or there are too many rules. */
  set(rule: RetentionRule): Promise<void>;
  /** CatalogError RULE_NOT_FOUND. */
  remove(name: string): Promise<void>;
  /** By name. */
  list(): Promise<RetentionRule[]>;
};

const MOST_RULES = 100;

/** Keeps rules in the database. */
export function createRetention(database: CatalogDatabase): Retention {
  return {
    async set(rule) {
      if (rule.keepMoves === 0) parseRetained(rule.filter);
      await database.transaction(async (tx) => {
        const row = {
          name: rule.name,
          filter: rule.filter,
          keep_seconds: rule.keepSeconds,
          ref_prefix: rule.refPrefix,
          keep_moves: rule.keepMoves,
        };
        await tx.deleteFrom("retention_rule").where("name", "=", rule.name).execute();
        await tx.insertInto("retention_rule").values(row).execute();
        const { length } = await tx.selectFrom("retention_rule").select("name").execute();
        if (length > MOST_RULES) throw invalidField("rule", `there are at most ${MOST_RULES} rules`);
      });
    },
    async remove(name) {
      const { numDeletedRows } = await database.query.deleteFrom("retention_rule").where("name", "=", name).executeTakeFirst();
      if (numDeletedRows === 0n)
        throw new CatalogError("RULE_NOT_FOUND", `no retention rule ${JSON.stringify(name)}`, { facts: { rule: name } });
    },
    list: async () => (await database.query.selectFrom("retention_rule").selectAll().orderBy("name").execute()).map(toRule),
  };
}

/** Statements that select the sequences of what rules keep. `now` is in ms since 1970. */
export function retainedBy(rules: readonly RetentionRule[], now: number): RawBuilder<{ sequence: number }>[] {
  return rules.map(({ filter, keepSeconds, refPrefix, keepMoves }) => {
    if (keepMoves === 0) {
      const since = keepSeconds === 0 ? 0 : now - 1000 * keepSeconds;
      return sql`select sequence from artifact where touched_at >= ${since} and (${conditionOf(parseRetained(filter), new Map())})`;
    }
    return sql`
      select sequence from artifact where digest in (select digest from (
        select digest, row_number() over (partition by name order by sequence desc) as back from ref_move
        where name >= ${refPrefix} and name < ${`${refPrefix}\u{10ffff}`}) where back <= ${keepMoves})`;
  });
}

/** A rule must not come to mean nothing because a name is gone. */
function parseRetained(text: string): Filter {
  const filter = parseFilter(text, "rule.filter");
  if (filter === undefined) throw invalidField("rule.filter", "is missing; it says what is kept");
  if ([...comparisonsOf(filter)].some(({ field }) => field.type === "artifact"))
    throw invalidField("rule.filter", "parent cannot be compared in a retention rule");
  return filter;
}

export function toRule({ name, filter, keep_seconds, ref_prefix, keep_moves }: CatalogTables["retention_rule"]): RetentionRule {
  return { name, filter, keepSeconds: keep_seconds, refPrefix: ref_prefix, keepMoves: keep_moves };
}
