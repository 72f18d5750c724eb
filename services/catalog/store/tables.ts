import type { Generated } from "kysely";
import type { OutboxTables } from "#libs/bus";
import type { Database } from "#libs/storage";

/** The catalog's tables. Times are milliseconds since 1970. */
export type CatalogTables = OutboxTables & {
  artifact: {
    /** The order of publication. */
    sequence: Generated<number>;
    digest: string;
    kind: string;
    manifest: Uint8Array;
    recipe_key: string;
    size_bytes: number;
    /** 0 or 1. */
    damaged: number;
    /** 0 or 1; see stale.ts. */
    stale: Generated<number>;
    /** When it was last published. */
    touched_at: number;
    /** The version of facts.ts by which its facts and metrics were taken; 0: not yet. */
    indexed: Generated<number>;
  };
  artifact_blob: { artifact: string; blob: string; size: number };
  /** Both by their sequence. `role` is what the input is to the recipe, such as "models". */
  artifact_input: { artifact: number; position: number; input: number; role: string };
  /** What artifacts are searched by; see facts.ts. */
  artifact_fact: { field: string; value: string; artifact: number };
  /** What `source` says of an artifact: itself, or an evaluation of it. */
  artifact_metric: { artifact: number; name: string; value: number; source: number };
  /** `artifact` is null once the tag is removed. */
  tag: { name: string; digest: string; artifact: number | null; tagged_at: number };
  /** See retention.ts. */
  retention_rule: { name: string; filter: string; keep_seconds: number; ref_prefix: string; keep_moves: number };
  annotation: { artifact: number; name: string; value: string };
  /** `digest` is null once the ref is deleted. */
  ref: { name: string; digest: string | null };
  /** `digest` is where the ref pointed before the move, null if it did not exist. */
  ref_move: { sequence: Generated<number>; name: string; digest: string | null; reason: string; moved_at: number };
  pin: { holder: string; digest: string };
  blob_pin: { holder: string; digest: string };
  /** The sha-256 of a chunk and of a blob that has it at `offset`. */
  chunk: { sha256: Uint8Array; blob: Uint8Array; offset: number; size: number };
};

/** The catalog's database. */
export type CatalogDatabase = Database<CatalogTables>;
