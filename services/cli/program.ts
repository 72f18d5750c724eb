import type { Command } from "commander";
import { type Settings, UsageError } from "#libs/service";
import { trainerSettings } from "../trainer/settings.ts";
import { baseProgram } from "./base-program.ts";
import { collectGarbage } from "./commands/collect-garbage.ts";
import { completion, isShell } from "./commands/completion.ts";
import { doctor } from "./commands/doctor.ts";
import { showEvents } from "./commands/events.ts";
import { cancelJob, listJobs, parseJobStates, retryJob, showJob } from "./commands/jobs.ts";
import { lineage } from "./commands/lineage.ts";
import { listModels, pullModel, showModel } from "./commands/models.ts";
import { recycle } from "./commands/recycle.ts";
import { reproduce } from "./commands/reproduce.ts";
import { cancelRun, deleteRun, listRuns, showRun, watchRun } from "./commands/runs.ts";
import { programs, serveService } from "./commands/serve.ts";
import { trainer } from "./commands/trainer.ts";
import { up } from "./commands/up.ts";
import type { CommandContext } from "./context.ts";
import { parseDuration } from "./duration.ts";
import { defineLightCommands } from "./light-program.ts";
import { addCommand, local, shared } from "./options.ts";
import { DEFAULT_LISTEN } from "./system/port.ts";

const HOW_NAMES_WORK = `
NAME is a digest (sha256:…), at least 8 digits of one, or a name such as digits/seed-10/held-out-25.`;

/**
 * The `ratatouille` command.
 * @param finish receives the exit code of the command that was run.
 */
export function createProgram(context: CommandContext, finish: (code: number) => void): Command {
  const program = baseProgram(context);
  const command = addCommand;
  const run =
    <A extends unknown[]>(action: (...args: A) => Promise<number>) =>
    async (...args: A) =>
      finish(await action(...args));

  shared(
    command(
      program,
      "recycle <file>",
      "Run a run file, or go on with it, and write the report.",
      `  ratatouille recycle examples/digits.yaml
  ratatouille recycle examples/digits-full.yaml --out out/full --trainers 2
  ratatouille recycle examples/tiny.yaml --json | tail -n 1`,
    ),
  )
    .option("--out <directory>", "where the report and the models go (default: out/<name>)")
    .option("--quiet", "no progress")
    .action(run((file: string, options) => recycle(file, options, context)));

  defineLightCommands(program, context, finish);

  local(
    command(
      program,
      "up",
      `Keep the system running for several clients, until Ctrl-C.

Clients on the same data directory need no token. Clients that name the address need the one that is given here; without one every user of
this machine may use it.`,
      `  ratatouille up
  RATATOUILLE_SERVER=${DEFAULT_LISTEN} ratatouille recycle examples/digits.yaml
  ratatouille up --listen 0.0.0.0:7437 --tls-cert cert.pem --tls-key key.pem --token-file token.txt`,
    ),
  )
    .option("--listen <host:port>", "address; one that other machines reach needs TLS and a token", DEFAULT_LISTEN)
    .option("--tls-cert <file>", "certificate of the server (PEM)")
    .option("--tls-key <file>", "its key (PEM)")
    .option("--insecure", "listen on any address without TLS and token")
    .action(run((options) => up(options, context)));

  const serve = command(
    program,
    "serve",
    `One service in a process of its own, until it is asked to stop: ${Object.keys(programs).join(", ")}.

Every flag can be set by a variable too, as --print-config says.`,
    `  ratatouille serve catalog --data /var/lib/ratatouille --nats nats:4222
  ratatouille serve gateway --print-config`,
  );
  for (const [name, { summary, settings }] of Object.entries(programs)) {
    configured(command(serve, name, summary, `  ratatouille serve ${name} --print-config`), settings).action(
      run((options) => serveService(name, options, context)),
    );
  }
  configured(
    command(
      program,
      "trainer",
      "A trainer: takes jobs from a running system, until it is asked to stop.",
      `  ratatouille trainer --server gateway:7437
  ratatouille trainer --server gateway:7437 --device cpu --name remy`,
    ),
    trainerSettings,
  ).action(run((options) => trainer(options, context)));

  const runs = command(
    program,
    "runs",
    "Runs: list, show, watch, cancel, delete.",
    "  ratatouille runs list\n  ratatouille runs watch run-0123456789abcdef",
  );
  shared(command(runs, "list", "All runs, newest first.", "  ratatouille runs list --json")).action(
    run((options) => listRuns(options, context)),
  );
  shared(command(runs, "show <id>", "One run with its stages.", "  ratatouille runs show run-0123456789abcdef")).action(
    run((id: string, options) => showRun(id, options, context)),
  );
  shared(command(runs, "watch <id>", "Show a run until it ends.", "  ratatouille runs watch run-0123456789abcdef"))
    .option("--quiet", "no progress")
    .action(run((id: string, options) => watchRun(id, options, context)));
  shared(
    command(
      runs,
      "delete <id>",
      "Forget a run that does not run; ratatouille gc deletes what only it needed.",
      "  ratatouille runs delete run-0123456789abcdef",
    ),
  ).action(run((id: string, options) => deleteRun(id, options, context)));
  shared(command(runs, "cancel <id>", "Stop a run; what it has made stays.", "  ratatouille runs cancel run-0123456789abcdef")).action(
    run((id: string, options) => cancelRun(id, options, context)),
  );

  const jobs = command(
    program,
    "jobs",
    "Training jobs: list, show, retry, cancel.",
    "  ratatouille jobs list --state queued,running\n  ratatouille jobs show job-0123456789abcdef",
  );
  shared(
    command(
      jobs,
      "list",
      "Training jobs, newest first.",
      `  ratatouille jobs list --state failed
  ratatouille jobs list --run run-0123456789abcdef --json`,
    ),
  )
    .option("--state <states>", "only queued, running, succeeded, failed or cancelled ones; several with commas", parseJobStates)
    .option("--run <id>", "only those of a run")
    .action(run((options) => listJobs(options, context)));
  shared(
    command(
      jobs,
      "show <id>",
      "One job with its attempts, what went wrong, and what to do.",
      "  ratatouille jobs show job-0123456789abcdef",
    ),
  ).action(run((id: string, options) => showJob(id, options, context)));
  shared(
    command(jobs, "retry <id>", "Queue a job again that has failed or was cancelled.", "  ratatouille jobs retry job-0123456789abcdef"),
  ).action(run((id: string, options) => retryJob(id, options, context)));
  shared(
    command(
      jobs,
      "cancel <id>",
      "Stop a job, whichever runs need it; they take it as failed.",
      `  ratatouille jobs cancel job-0123456789abcdef --reason "takes too long"`,
    ),
  )
    .option("--reason <text>", "for whoever asks why")
    .action(run((id: string, options) => cancelJob(id, options, context)));

  shared(
    command(
      program,
      "events",
      "What has happened in a system lately, one line each.",
      `  ratatouille events --since 10m
  ratatouille events --follow
  ratatouille events --follow --since 1h --json`,
    ),
  )
    .option("--follow", "show what happens from now on, until Ctrl-C")
    .option("--since <time>", "begin so long ago, such as 90s, 10m, 2h or 1d (default: 1h; with --follow: now)", parseDuration)
    .action(run((options) => showEvents(options, context)));

  const models = command(
    program,
    "models",
    "Models: list, show, pull.",
    "  ratatouille models list\n  ratatouille models pull digits/seed-10/held-out-25 --out my-model",
  );
  shared(command(models, "list", "Models with a name, newest first.", "  ratatouille models list --all"))
    .option("--all", "also models without a name")
    .action(run((options) => listModels(options, context)));
  shared(
    command(
      models,
      "show <name>",
      `What a model is and how it was made.${HOW_NAMES_WORK}`,
      "  ratatouille models show digits/seed-10/held-out-25",
    ),
  ).action(run((name: string, options) => showModel(name, options, context)));
  shared(
    command(
      models,
      "pull <name>",
      `Write a model's weights and recipe into a folder.${HOW_NAMES_WORK}`,
      "  ratatouille models pull digits/seed-10/held-out-25 --out my-model",
    ),
  )
    .option("--out <directory>", "the folder (default: models/<digest>)")
    .action(run((name: string, options) => pullModel(name, options, context)));

  shared(
    command(
      program,
      "lineage <name>",
      `Where a model comes from, down to the imported files.${HOW_NAMES_WORK}`,
      `  ratatouille lineage digits/seed-10/held-out-25
  ratatouille lineage digits/seed-10/held-out-25 --dot | dot -Tsvg > lineage.svg`,
    ),
  )
    .option("--dot", "for Graphviz")
    .action(run((name: string, options) => lineage(name, options, context)));

  shared(
    command(
      program,
      "reproduce <name>",
      `Run the recipe of an artifact again and compare digests; 1 if they differ.${HOW_NAMES_WORK}`,
      "  ratatouille reproduce digits/seed-10/held-out-25",
    ),
  )
    .option("--quiet", "no progress")
    .action(run((name: string, options) => reproduce(name, options, context)));

  shared(
    command(
      program,
      "gc",
      "Delete artifacts and blobs that no name, no run and no other artifact needs. What is younger than an hour stays.",
      "  ratatouille gc --dry-run",
    ),
  )
    .option("--dry-run", "say what would go, delete nothing")
    .action(run((options) => collectGarbage(options, context)));

  shared(command(program, "doctor", "Say what is right here, what is not, and what to do.", "  ratatouille doctor --json")).action(
    run((options) => doctor(options, context)),
  );

  command(program, "completion <shell>", "Print completion for bash, zsh or fish.", "  source <(ratatouille completion bash)").action(
    run(async (shell: string) => {
      if (!isShell(shell)) throw new UsageError(`there is completion for bash, zsh and fish, not for ${shell}`);
      context.stdout.write(completion(program, shell));
      return 0;
    }),
  );
  return program;
}

/** Options of a program that is configured by settings. They read the environment themselves, so that they can say where a value is from. */
function configured(command: Command, settings: Settings): Command {
  for (const { flag, env, description, default: fallback } of Object.values(settings))
    command.option(flag, `${description} (${fallback === undefined ? "" : `default: ${fallback}; `}env: ${env})`);
  if ("token" in settings) command.option("--token-file <file>", "a file with the bearer token, instead");
  return command
    .option("--print-config", "say what is set and where from, and do nothing")
    .option("--json", "with --print-config: for programs");
}
