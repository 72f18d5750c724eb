import { createLimit } from "#libs/concurrency";
import { failedPrecondition } from "#libs/rpc";
import { type Executors, outcomeOf } from "../drive/executors.ts";
import { instantiate } from "../plan/instantiate.ts";
import type { Outcome, Outcomes } from "../plan/outcome.ts";
import { dependencies, type Node } from "../plan/template.ts";

/** Catalog lookups under way at once; those of one moment travel together. */
const LOOKUPS = 128;

/**
 * What became of each node of a run that has succeeded, found again in the catalog. Nothing is made.
 * @param nodes each after those it needs. @param failures errors of the nodes that failed, by node.
 * @throws RpcError FAILED_PRECONDITION (ARTIFACT_MISSING) if the catalog lacks an artifact of the run by now.
 */
export async function recollect(
  nodes: readonly Node[],
  failures: ReadonlyMap<string, string>,
  { artifacts }: Pick<Executors, "artifacts">,
  signal: AbortSignal,
): Promise<Outcomes> {
  const outcomes = new Map<string, Outcome>();
  const found = new Map<string, Promise<void>>();
  const lookup = createLimit(LOOKUPS);

  const find = async (node: Node): Promise<Outcome> => {
    const failure = failures.get(node.id);
    if (failure !== undefined) return { state: "failed", error: failure };
    const instance = instantiate(node, outcomes);
    if (instance.state === "waiting") throw new Error(`${node.id} came before its inputs`);
    if (instance.state === "impossible") return { state: "failed", error: instance.error };
    return lookup(async () => {
      const artifact = await artifacts.findByRecipe(instance.recipe, { signal });
      if (artifact) return outcomeOf(artifact, artifacts, signal);
      throw failedPrecondition(`${node.label} is not in the catalog any more; start the run again to make it`, {
        reason: "ARTIFACT_MISSING",
      });
    });
  };

  for (const node of nodes) {
    const inputs = dependencies(node).map((id) => found.get(id));
    const work = Promise.all(inputs).then(async () => void outcomes.set(node.id, await find(node)));
    found.set(node.id, work);
  }
  await Promise.all(found.values());
  return outcomes;
}
