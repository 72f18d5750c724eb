import type { Artifacts } from "#libs/artifacts";
import { finishInTurns } from "#libs/concurrency";
import { heldOutItems as countItems, decodeIndex } from "#libs/image-sets";
import type { Task } from "#libs/reporting";
import type { Outcomes } from "../plan/outcome.ts";
import type { Plan } from "../plan/planner.ts";

/** What the report says of the task: where items are held out also how many, which only the index of the data set tells. */
export async function describeTask(
  { task, heldOutItems }: Pick<Plan, "task" | "heldOutItems">,
  outcomes: Outcomes,
  artifacts: Pick<Artifacts, "download">,
  signal: AbortSignal,
): Promise<Task> {
  if (heldOutItems === undefined) return task;
  const { data, share } = heldOutItems;
  const outcome = outcomes.get(data);
  if (outcome?.state !== "done" || outcome.data === undefined) return task;
  const counts = await finishInTurns(countItems(decodeIndex(await artifacts.download(outcome.data, { signal })), share), signal);
  const domains = task.heldOut.flatMap((name) => counts.find(({ domain }) => domain === name) ?? []);
  return { ...task, heldOutItems: { share, domains } };
}
