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
  };
  artifact_blob: { artifact: string; blob: string; size: number };
  artifact_input: { artifact: string; position: number; input: string };
  /** `digest` is null once the ref is deleted. */
  ref: { name: string; digest: string | null };
  /** `digest` is where the ref pointed before the move, null if it did not exist. */
  ref_move: { sequence: Generated<number>; name: string; digest: string | null; reason: string; moved_at: number };
  pin: { holder: string; digest: string };
  blob_pin: { holder: string; digest: string };
};

/** The catalog's database. */
export type CatalogDatabase = Database<CatalogTables>;
