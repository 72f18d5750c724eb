import type { MessageInitShape } from "@bufbuild/protobuf";
import { ContributionState, type SessionContributionSchema, type SessionSchema, SessionState } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { Layout } from "./layout.ts";
import type { ContributionRow, Counts, SessionRow } from "./store/rows.ts";

const states = {
  open: SessionState.OPEN,
  closing: SessionState.CLOSING,
  closed: SessionState.CLOSED,
  expired: SessionState.EXPIRED,
} as const;

/** A session as replies carry it; times in whole seconds. */
export function toSession(row: SessionRow, counts: Counts, now: number): MessageInitShape<typeof SessionSchema> {
  const { staging, committed, folded, withdrawing } = counts;
  const state = row.state === "open" && now >= row.expires_at ? "expired" : row.state;
  return {
    id: row.id,
    state: states[state],
    method: row.method,
    dtype: row.dtype,
    committed: committed.count + folded.count,
    folded: folded.count,
    staging: staging.count,
    stagedBytes: BigInt(staging.bytes + committed.bytes + withdrawing.bytes),
    openedAt: BigInt(Math.floor(row.opened_at / 1000)),
    expiresAt: BigInt(Math.floor(row.expires_at / 1000)),
    tensors: row.layout === null ? 0 : (JSON.parse(row.layout) as Layout).length,
    artifact: row.artifact ?? "",
  };
}

/** A contribution as replies carry it. */
export function toContribution({
  contributor,
  state,
  digest,
  size,
  weight,
  artifact,
  touched_at,
}: ContributionRow): MessageInitShape<typeof SessionContributionSchema> {
  return {
    ...{ contributor, digest, weight, artifact: artifact ?? "", sizeBytes: BigInt(size), movedAtMs: BigInt(touched_at) },
    state: state === "staging" ? ContributionState.INCOMPLETE : ContributionState.COMMITTED,
  };
}
