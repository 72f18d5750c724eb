import type { Generated } from "kysely";
import type { Database } from "#libs/storage";

/** open: takes contributions. closing: its last snapshot is made, of what counts by then. closed, expired: over; what it had is deleted. */
export type SessionState = "open" | "closing" | "closed" | "expired";

/**
 * staging: a file that is not complete. committed: it is, and counts. folded: counts, and its bytes are in the sums.
 * withdrawing: does not count, but is in the sums, and its bytes are there again to be taken out. withdrawn: gone.
 */
export type ContributionState = "staging" | "committed" | "folded" | "withdrawing" | "withdrawn";

/** The tables of sessions. Times are milliseconds since 1970; truth values are 0 or 1; lists and maps are JSON. */
export type SessionTables = {
  session: {
    sequence: Generated<number>;
    id: string;
    secret_hash: Uint8Array;
    state: SessionState;
    method: string;
    dtype: string;
    /** Weights by contributor, where the session says them. */
    weights: string | null;
    /** The layout that the session was opened with. */
    declared: string | null;
    /** The layout that contributions have to have, once it is known. */
    layout: string | null;
    architecture: string;
    licence: string;
    keep: number;
    max_contribution_bytes: number | null;
    max_contributors: number | null;
    opened_at: number;
    expires_at: number;
    over_at: number | null;
    /** Counts the files of sums; `sums` is the name of the newest. */
    generation: Generated<number>;
    sums: string | null;
    /** Digest of the artifact of the last snapshot. */
    artifact: string | null;
  };
  contribution: {
    id: Generated<number>;
    session: string;
    contributor: string;
    state: ContributionState;
    digest: string;
    size: number;
    weight: number;
    /** The model of the catalog whose weights it is. */
    artifact: string | null;
    /** Its bytes are in the catalog. */
    kept: Generated<number>;
    touched_at: number;
  };
};

/** The database of sessions. */
export type SessionDatabase = Database<SessionTables>;
