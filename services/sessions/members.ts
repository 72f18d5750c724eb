import type { SumMember } from "#libs/merging";
import { openModel } from "#libs/models";
import type { Digest } from "#libs/recipes";
import type { SessionContext } from "./context.ts";
import type { ContributionRow } from "./store/rows.ts";

/** The file of a contribution whose bytes are not in the sums as they have to be. */
export function pathOf({ files }: Pick<SessionContext, "files">, { session, id, state }: ContributionRow): string {
  return state === "withdrawing" ? files.returned(session, id) : files.contribution(session, id);
}

/** Opens what waits to be folded: contributions that come, and those that go. */
export async function openMembers(context: Pick<SessionContext, "files">, pending: readonly ContributionRow[]): Promise<SumMember[]> {
  const members: SumMember[] = [];
  for (const row of pending) {
    const name = `the contribution of ${JSON.stringify(row.contributor)}`;
    const model = await openModel(pathOf(context, row), name);
    members.push({ model, digest: row.digest as Digest, weight: row.weight, remove: row.state === "withdrawing" });
  }
  return members;
}
