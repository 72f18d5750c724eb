import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";

/** `ratatouille trainers` */
export function defineTrainers(program: Command, context: CommandContext, finish: Finish): void {
  const trainers = addCommand(
    program,
    "trainers",
    "Trainers that are there: list, show.",
    "  ratatouille trainers list\n  ratatouille trainers show remy",
  );
  const list = addCommand(
    trainers,
    "list",
    "Trainers that are there, and what each runs now.",
    "  ratatouille trainers list\n  ratatouille trainers list --server gateway:7437 --json",
  );
  shared(list).action(runs(finish, async (options) => (await import("./trainers.ts")).listTrainers(options, context)));
  const one = "One trainer: what it can run, what it runs on, and what it runs now.";
  shared(addCommand(trainers, "show <trainer>", one, "  ratatouille trainers show remy --json")).action(
    runs(finish, async (name: string, options) => (await import("./trainers.ts")).showTrainer(name, options, context)),
  );
}
