import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import { parseJobStates } from "./states.ts";

const JOB = "job-0123456789abcdef";

/** `ratatouille jobs` */
export function defineJobs(program: Command, context: CommandContext, finish: Finish): void {
  const jobs = addCommand(
    program,
    "jobs",
    "Training jobs: list, show, retry, cancel.",
    `  ratatouille jobs list --state queued,running\n  ratatouille jobs show ${JOB}`,
  );
  const list = addCommand(
    jobs,
    "list",
    "Training jobs, newest first.",
    `  ratatouille jobs list --state failed
  ratatouille jobs list --run run-0123456789abcdef --json`,
  );
  shared(list)
    .option("--state <states>", "only queued, running, succeeded, failed or cancelled ones; several with commas", parseJobStates)
    .option("--run <run>", "only those of a run")
    .action(runs(finish, async (options) => (await import("./jobs.ts")).listJobs(options, context)));
  const one = "One job with its attempts, what went wrong, and what to do.";
  shared(addCommand(jobs, "show <job>", one, `  ratatouille jobs show ${JOB}`)).action(
    runs(finish, async (id: string, options) => (await import("./jobs.ts")).showJob(id, options, context)),
  );
  const again = "Queue a job again that has failed or was cancelled.";
  shared(addCommand(jobs, "retry <job>", again, `  ratatouille jobs retry ${JOB}`)).action(
    runs(finish, async (id: string, options) => (await import("./jobs.ts")).retryJob(id, options, context)),
  );
  const stop = "Stop a job, whichever runs need it; they take it as failed.";
  shared(addCommand(jobs, "cancel <job>", stop, `  ratatouille jobs cancel ${JOB} --reason "takes too long"`))
    .option("--reason <text>", "for whoever asks why")
    .action(runs(finish, async (id: string, options) => (await import("./jobs.ts")).cancelJob(id, options, context)));
}
