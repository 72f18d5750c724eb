import type { Command } from "commander";
import { baseProgram } from "../base-program.ts";
import type { CommandContext } from "../context.ts";
import { defineAverage } from "./average-command.ts";
import { defineCheck } from "./check-command.ts";
import { defineMerge } from "./merge-command.ts";
import { defineMethods } from "./methods-command.ts";

/**
 * The `ratatouille` command with nothing but what works on files. Light: what a command does is imported when it is run.
 * @param finish receives the exit code of the command that was run.
 */
export function createProgram(context: CommandContext, finish: (code: number) => void): Command {
  const program = baseProgram(context);
  defineMerging(program, context, finish);
  return program;
}

/** Adds average, merge, check and methods. */
export function defineMerging(program: Command, context: CommandContext, finish: (code: number) => void): void {
  defineAverage(program, context, finish);
  defineMerge(program, context, finish);
  defineCheck(program, context, finish);
  defineMethods(program, context, finish);
}
