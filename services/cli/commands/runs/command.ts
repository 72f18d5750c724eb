import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { runs as act, addCommand, type Finish, shared } from "../../options.ts";

const RUN = "run-0123456789abcdef";

/** `ratatouille runs` */
export function defineRuns(program: Command, context: CommandContext, finish: Finish): void {
  const runs = addCommand(
    program,
    "runs",
    "Runs: list, show, watch, cancel, delete.",
    `  ratatouille runs list\n  ratatouille runs watch ${RUN}`,
  );
  shared(addCommand(runs, "list", "All runs, newest first.", "  ratatouille runs list --json")).action(
    act(finish, async (options) => (await import("./runs.ts")).listRuns(options, context)),
  );
  shared(addCommand(runs, "show <run>", "One run with its stages.", `  ratatouille runs show ${RUN}`)).action(
    act(finish, async (id: string, options) => (await import("./runs.ts")).showRun(id, options, context)),
  );
  shared(addCommand(runs, "watch <run>", "Show a run until it ends.", `  ratatouille runs watch ${RUN}`))
    .option("--quiet", "no progress")
    .action(act(finish, async (id: string, options) => (await import("./runs.ts")).watchRun(id, options, context)));
  const forget = "Forget a run that does not run; ratatouille gc deletes what only it needed.";
  shared(addCommand(runs, "delete <run>", forget, `  ratatouille runs delete ${RUN}`)).action(
    act(finish, async (id: string, options) => (await import("./runs.ts")).deleteRun(id, options, context)),
  );
  shared(addCommand(runs, "cancel <run>", "Stop a run; what it has made stays.", `  ratatouille runs cancel ${RUN}`)).action(
    act(finish, async (id: string, options) => (await import("./runs.ts")).cancelRun(id, options, context)),
  );
}
