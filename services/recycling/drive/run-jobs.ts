import { canonicalRecipe, type Recipe } from "#libs/recipes";
import type { Logger } from "#libs/telemetry";
import { type Job, JobState } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { Node } from "../plan/template.ts";
import type { Executors } from "./executors.ts";
import { retryTransient } from "./retry-transient.ts";

/** The jobs of a run in the fine-tune service. */
export type RunJobs = {
  /** Jobs that ended, in the order of their ends. Only ever appended to. */
  readonly ended: readonly Job[];
  /** Hands the recipe of a node to the fine-tune service. Nodes of one recipe share a job. */
  submit(node: Node, recipe: Recipe): Promise<void>;
  /** Takes the newest state of a job, from whoever has it. */
  observe(job: Job): void;
  /** Something may have happened to a job: look it up. */
  wake(jobId: string): void;
};

/** What follows from the states of jobs. */
export type JobEvents = {
  /** Queued or running. */
  readonly onOpen: (node: Node, job: Job, running: boolean) => void;
  /** @param cpuMs what the job took, for the first of the nodes that share it, 0 for the others. */
  readonly onSucceeded: (node: Node, job: Job, cpuMs: number) => void;
  readonly onFailed: (node: Node, error: string) => void;
  /** Somebody cancelled a job, again and again, that this run needs. */
  readonly onRefused: (node: Node) => void;
};

type Submitted = { readonly nodes: readonly Node[]; readonly recipe: Recipe; readonly submittedAtMs: bigint };

/** How often a job is submitted again that somebody cancelled although this run needs it. */
const RESUBMISSIONS = 3;

/**
 * No jobs yet.
 * @param options.work runs a task for a node in the background.
 */
export function createRunJobs({
  runId,
  finetune,
  log,
  signal,
  patienceMs,
  work,
  events,
}: {
  readonly runId: string;
  readonly finetune: Executors["finetune"];
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly patienceMs: number;
  readonly work: (node: Node, task: () => Promise<void>) => void;
  readonly events: JobEvents;
}): RunJobs {
  const submitted = new Map<string, Submitted>();
  const ended: Job[] = [];
  const told = new Set<string>();
  const cancellations = new Map<string, number>();

  const submit = async (nodes: readonly Node[], recipe: Recipe): Promise<void> => {
    // Not to be aborted: who cancels the jobs of this run has to know that none is on its way.
    const [first] = nodes;
    const needs = first?.engines === undefined ? {} : { needs: { backends: [...first.engines.backends], device: first.engines.device } };
    const request = { recipe: canonicalRecipe(recipe), label: first?.label ?? "", runId, ...needs };
    const { job } = await retryTransient(() => finetune.submitJob(request), { patienceMs, signal });
    if (!job) throw new Error("The fine-tune service answered without a job");
    const { nodes: others = [], submittedAtMs = job.submittedAtMs } = submitted.get(job.id) ?? {};
    submitted.set(job.id, { nodes: [...others, ...nodes], recipe, submittedAtMs });
    observe(job);
  };

  const submitAgain = (job: Job, { nodes, recipe }: Submitted) => {
    const [first] = nodes as readonly [Node];
    const times = (cancellations.get(job.id) ?? 0) + 1;
    cancellations.set(job.id, times);
    if (times > RESUBMISSIONS) return events.onRefused(first);
    log.warn({ runId, jobId: job.id }, "a job was cancelled that this run needs; it is submitted again");
    work(first, () => submit(nodes, recipe));
  };

  const observe = (job: Job) => {
    const known = submitted.get(job.id);
    // What was seen before the job was submitted anew may arrive after it.
    if (!known || signal.aborted || job.submittedAtMs < known.submittedAtMs) return;
    if (job.state === JobState.RUNNING || job.state === JobState.QUEUED) {
      for (const node of known.nodes) events.onOpen(node, job, job.state === JobState.RUNNING);
      return;
    }
    submitted.delete(job.id);
    // With a reason it was a person, who wants it so: then it has failed.
    if (job.state === JobState.CANCELLED && job.error === "") return submitAgain(job, known);
    if (!told.has(job.id)) ended.push(job);
    told.add(job.id);
    known.nodes.forEach((node, i) => {
      if (job.state !== JobState.SUCCEEDED) events.onFailed(node, job.error);
      else events.onSucceeded(node, job, i === 0 ? Number(job.cpuMs) : 0);
    });
  };

  return {
    ended,
    submit: (node, recipe) => submit([node], recipe),
    observe,
    wake(jobId) {
      if (!submitted.has(jobId) || signal.aborted) return;
      finetune.getJob({ id: jobId }, { signal }).then(
        ({ job }) => job && observe(job),
        // The watch of the run's jobs tells later.
        (error: unknown) => log.debug({ runId, jobId, err: error }, "a finished job could not be looked up"),
      );
    },
  };
}
