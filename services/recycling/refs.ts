import { Code, isRpcError } from "#libs/rpc";
import type { Executors } from "./executors.ts";
import type { Plan } from "./plan.ts";
import type { CompleteSpec } from "./specification.ts";
import type { Outcomes } from "./template.ts";

/** The ref of the recycled model of a cell, for example "digits/seed-10/held-out-25". */
export function refName(run: string, seed: number, heldOut: string): string {
  return `${run}/seed-${seed}/held-out-${heldOut.replace("°", "")}`;
}

/** Points the refs of a run at its recycled models, so that people find them by name. Refs that point there stay untouched. */
export async function nameAverages(spec: CompleteSpec, plan: Plan, outcomes: Outcomes, { catalog }: Executors): Promise<void> {
  const known = new Map<string, string>();
  let pageToken = "";
  do {
    const page = await catalog.listRefs({ prefix: `${spec.name}/`, pageSize: 500, pageToken });
    for (const { name, digest } of page.refs) known.set(name, digest);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  for (const { seed, heldOut, averages } of plan.cells) {
    const node = averages.find(({ method }) => method === "recycling")?.node;
    const outcome = node === undefined ? undefined : outcomes.get(node);
    const name = refName(spec.name, seed, heldOut);
    const from = known.get(name) ?? "";
    if (outcome?.state !== "done" || from === outcome.digest) continue;
    try {
      await catalog.moveRef({ name, from, to: outcome.digest, reason: `recycled by run ${spec.name}` });
    } catch (error) {
      // Another run of the same name was first; its model stays.
      if (!isRpcError(error, Code.ABORTED)) throw error;
    }
  }
}
