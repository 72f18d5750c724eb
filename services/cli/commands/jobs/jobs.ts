import { toJson } from "@bufbuild/protobuf";
import { parseEnvelope } from "#libs/recipes";
import { allPages, type ServiceClient, unavailable } from "#libs/rpc";
import { FinetuneService, type Job, JobSchema, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import { RecyclingService } from "#proto/ratatouille/v1/recycling_pb.ts";
import { type CommandContext, type GlobalOptions, type Use, useTarget } from "../../context.ts";
import { ago, columns } from "../../format.ts";
import { describeJob, jobStateName } from "../../render/job.ts";
import { widthOf, writeWrapped } from "../../write-wrapped.ts";

export type ListJobsOptions = GlobalOptions & { readonly state?: readonly JobState[]; readonly run?: string };

/** `ratatouille jobs list`: training jobs, newest first, of all runs and states or of some. */
export async function listJobs(options: ListJobsOptions, context: CommandContext): Promise<number> {
  const { channel } = await useTarget(context, options, "look");
  const { signal, stdout } = context;
  const finetune = channel.client(FinetuneService);
  // Asked for its name only: a run that is not there is a mistake, and no empty list.
  if (options.run !== undefined) await channel.client(RecyclingService).getRun({ id: options.run }, { signal });
  const filter = { runId: options.run ?? "", states: [...(options.state ?? [])], pageSize: 500 };
  const jobs: Job[] = [];
  for await (const page of allPages((pageToken) => finetune.listJobs({ ...filter, pageToken }, { signal }))) jobs.push(...page.jobs);
  jobs.reverse();
  if (options.json) stdout.write(`${JSON.stringify(jobs.map((job) => toJson(JobSchema, job)))}\n`);
  else if (jobs.length > 0)
    stdout.write(columns(["job", "state", "what", "attempt", "trainer", "submitted"], jobs.map(row), widthOf(stdout)));
  else stdout.write(options.run === undefined && options.state === undefined ? "No jobs yet.\n" : "No such jobs.\n");
  return 0;
}

function row({ id, state, label, progress, attempt, trainer, submittedAtMs }: Job): string[] {
  const far = state === JobState.RUNNING && progress && progress.steps > 0 ? ` ${percent(progress.step, progress.steps)}` : "";
  return [id, `${jobStateName(state)}${far}`, label, attempt === 0 ? "" : String(attempt), trainer, ago(submittedAtMs)];
}

function percent(part: number, whole: number): string {
  return `${Math.floor((100 * part) / whole)} %`;
}

/** `ratatouille jobs show ID`: one job with its attempts, what went wrong, and what to do. */
export async function showJob(id: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const { signal, stdout } = context;
  const job = present((await (await finetuneOf(options, context, "look")).getJob({ id }, { signal })).job);
  if (options.json) stdout.write(`${JSON.stringify({ ...(toJson(JobSchema, job) as object), recipe: parseEnvelope(job.recipe) })}\n`);
  else stdout.write(describeJob(job, stdout));
  return 0;
}

/** `ratatouille jobs retry ID`: a job that has failed or was cancelled waits for a trainer again. */
export async function retryJob(id: string, options: GlobalOptions, context: CommandContext): Promise<number> {
  const job = present((await (await finetuneOf(options, context)).retryJob({ id }, { signal: context.signal })).job);
  if (options.json) context.stdout.write(`${JSON.stringify(toJson(JobSchema, job))}\n`);
  else writeWrapped(context.stdout, `Queued again: ${id}. To see how it goes: ratatouille jobs show ${id}\n`);
  return 0;
}

/** `ratatouille jobs cancel ID`: stops a job, whichever runs need it. 1 if it had ended before. */
export async function cancelJob(
  id: string,
  options: GlobalOptions & { readonly reason?: string },
  context: CommandContext,
): Promise<number> {
  const { reason = "" } = options;
  const job = present((await (await finetuneOf(options, context)).cancelJob({ id, reason }, { signal: context.signal })).job);
  const stopped = job.state === JobState.CANCELLED;
  if (options.json) context.stdout.write(`${JSON.stringify(toJson(JobSchema, job))}\n`);
  else if (stopped)
    writeWrapped(context.stdout, `Cancelled ${id}. Runs that need it take it as failed; ratatouille jobs retry ${id} queues it again.\n`);
  else writeWrapped(context.stderr, `ratatouille: there is nothing to cancel: ${id} has ${jobStateName(job.state)} already\n`);
  return stopped ? 0 : 1;
}

async function finetuneOf(options: GlobalOptions, context: CommandContext, use?: Use): Promise<ServiceClient<typeof FinetuneService>> {
  return (await useTarget(context, options, use)).channel.client(FinetuneService);
}

function present(job: Job | undefined): Job {
  if (!job) throw unavailable("the server answered without a job");
  return job;
}
