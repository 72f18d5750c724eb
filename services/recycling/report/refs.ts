import { modelName } from "#libs/reporting";
import { allPages, Code, isRpcError } from "#libs/rpc";
import type { Ref } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { Executors } from "../drive/executors.ts";
import type { Outcomes } from "../plan/outcome.ts";
import type { Plan } from "../plan/planner.ts";

/** Points the refs of a run at its recycled models, so that people find them by name. Refs that point there stay untouched. */
export async function nameAverages(
  run: string,
  { recycled }: Pick<Plan, "recycled">,
  outcomes: Outcomes,
  { catalog }: Pick<Executors, "catalog">,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map((await refsOf(run, catalog, signal)).map(({ name, digest }) => [name, digest]));
  for (const { seed, heldOut, node } of recycled) {
    const outcome = outcomes.get(node);
    const name = modelName(run, { seed, heldOut });
    const from = known.get(name) ?? "";
    if (outcome?.state !== "done" || from === outcome.digest) continue;
    try {
      await catalog.moveRef({ name, from, to: outcome.digest, reason: reasonOf(run) }, { signal });
    } catch (error) {
      // Another run of the same name was first; its model stays.
      if (!isRpcError(error, Code.ABORTED)) throw error;
    }
  }
}

/** Deletes the refs of the runs of a name, those that somebody else has moved since excepted. */
export async function forgetAverages(run: string, { catalog }: Pick<Executors, "catalog">, signal: AbortSignal): Promise<void> {
  for (const { name, digest, history } of await refsOf(run, catalog, signal)) {
    if (digest === "" || history[0]?.reason !== reasonOf(run)) continue;
    try {
      await catalog.moveRef({ name, from: digest, reason: `the last run ${run} was deleted` }, { signal });
    } catch (error) {
      // Somebody moved it just now, and keeps it.
      if (!isRpcError(error, Code.ABORTED)) throw error;
    }
  }
}

const reasonOf = (run: string) => `recycled by run ${run}`;

async function refsOf(run: string, catalog: Executors["catalog"], signal: AbortSignal): Promise<Ref[]> {
  const refs: Ref[] = [];
  const list = (pageToken: string) => catalog.listRefs({ prefix: `${run}/`, pageSize: 500, pageToken }, { signal });
  for await (const page of allPages(list)) refs.push(...page.refs);
  return refs;
}
