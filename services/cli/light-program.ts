import type { Command } from "commander";
import { baseProgram } from "./base-program.ts";
import { defineAverage } from "./commands/average/command.ts";
import { defineCheck } from "./commands/check/command.ts";
import { defineNames } from "./commands/completion/names-command.ts";
import { defineMerge } from "./commands/merge/command.ts";
import { defineMethods } from "./commands/methods/command.ts";
import type { CommandContext } from "./context.ts";

/**
 * The `ratatouille` command with nothing but what works on files. Light: what a command does is imported when it is run.
 * @param finish receives the exit code of the command that was run.
 */
export function createProgram(context: CommandContext, finish: (code: number) => void): Command {
  const program = baseProgram(context);
  defineLightCommands(program, context, finish);
  defineNames(program, context, finish);
  return program;
}

/** Adds average, merge, check and methods. */
export function defineLightCommands(program: Command, context: CommandContext, finish: (code: number) => void): void {
  defineAverage(program, context, finish);
  defineMerge(program, context, finish);
  defineCheck(program, context, finish);
  defineMethods(program, context, finish);
}
