import type { Selectable } from "kysely";
import type { Digest } from "#libs/recipes";
import { refuse } from "../errors.ts";
import type { ContributionState, SessionTables } from "./tables.ts";

export type SessionRow = Selectable<SessionTables["session"]>;
export type ContributionRow = Selectable<SessionTables["contribution"]>;

/** What somebody says of a contribution before its bytes. */
export type Announcement = {
  readonly contributor: string;
  readonly digest: Digest;
  readonly size: number;
  readonly weight: number;
  readonly artifact: string | undefined;
};

/** How many contributions a session has in each state, and the bytes of their files. */
export type Counts = { readonly [S in ContributionState]: { readonly count: number; readonly bytes: number } };

/** What begins with a contribution: it counts already, or its row and the rows whose files it replaces. */
export type Begun =
  | { readonly existed: true }
  | { readonly existed: false; readonly row: ContributionRow; readonly replaced: readonly ContributionRow[] };

/** States that count. */
export const counted = ["committed", "folded"] as const;

const ends = { open: "expired", closing: "being closed and takes nothing more", closed: "closed", expired: "expired" } as const;

/** Nothing is taken from or given to a session any more. */
export function sessionOver({ id, state }: Pick<SessionRow, "id" | "state">) {
  return refuse("SESSION_OVER", `session ${id} is ${ends[state]}`);
}

/** @throws RpcError SESSION_OVER */
export function checkOpen(session: SessionRow, now: number): void {
  if (session.state === "open" && now < session.expires_at) return;
  throw sessionOver(session);
}

export function sessionNotFound(id: string) {
  return refuse("SESSION_NOT_FOUND", `there is no session ${JSON.stringify(id)}`, { field: "session_id" });
}
