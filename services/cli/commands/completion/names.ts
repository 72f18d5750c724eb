import { isName } from "#libs/artifacts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { FinetuneService } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { storedRefs } from "../../../catalog/index.ts";
import { storedJobs } from "../../../finetune/index.ts";
import { storedRuns } from "../../../recycling/index.ts";
import { type CommandContext, type GlobalOptions, useTarget } from "../../context.ts";

/** No shell shows more. */
const MOST = 500;

/**
 * The runs, jobs, trainers or models of a server, or of a data directory, whoever works on it (trainers are written nowhere): that is read without a lock, so that no command is
 * kept out by a key that was pressed. What a shell could take for its own is left out.
 */
export async function namesOf(kind: string, options: GlobalOptions, context: CommandContext): Promise<string[]> {
  const names = options.server === undefined ? stored(kind, options.data) : await served(kind, options, context);
  return names.filter((name) => /^[\w./:@+-]+$/.test(name) && (kind !== "models" || isName(name))).slice(0, MOST);
}

function stored(kind: string, directory: string): string[] {
  if (kind === "runs") return storedRuns(directory);
  if (kind === "jobs") return storedJobs(directory);
  return kind === "models" ? storedRefs(directory) : [];
}

async function served(kind: string, options: GlobalOptions, context: CommandContext): Promise<string[]> {
  const { channel } = await useTarget(context, options, "look");
  const page = { pageSize: MOST };
  const { signal } = context;
  if (kind === "runs") return (await channel.client(RecyclingService).listRuns(page, { signal })).runs.map(({ id }) => id);
  if (kind === "jobs") return (await channel.client(FinetuneService).listJobs(page, { signal })).jobs.map(({ id }) => id);
  if (kind === "trainers") return (await channel.client(FinetuneService).listTrainers(page, { signal })).trainers.map(({ name }) => name);
  return kind === "models" ? (await channel.client(CatalogService).listRefs(page, { signal })).refs.map(({ name }) => name) : [];
}
