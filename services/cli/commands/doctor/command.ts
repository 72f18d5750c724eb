import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";

/** `ratatouille doctor` */
export function defineDoctor(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "doctor",
    "Say what is right here, what is not, and what to do.",
    "  ratatouille doctor --json\n  ratatouille doctor --server gateway:7437 --ca ca.pem",
  );
  shared(command).action(runs(finish, async (options) => (await import("./doctor.ts")).doctor(options, context)));
}
