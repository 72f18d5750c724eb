import type { Command } from "commander";
import { baseProgram } from "./base-program.ts";
import { defineTrainer } from "./commands/trainer/command.ts";
import type { CommandContext } from "./context.ts";
import type { Finish } from "./options.ts";

/** The `ratatouille` command with nothing but `trainer`: a system starts one for each core, without the services that it is made of. */
export function createProgram(context: CommandContext, finish: Finish): Command {
  const program = baseProgram(context);
  defineTrainer(program, context, finish);
  return program;
}
