import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand } from "../../options.ts";
import type { MethodsOptions } from "./options.ts";

/** `ratatouille methods [method]` */
export function defineMethods(program: Command, context: CommandContext, finish: (code: number) => void): void {
  addCommand(
    program,
    "methods [method]",
    `The methods that merge models.

Without a name, one line for each: what it is and what it needs. With a name: formula, paper, parameters with bounds, and a command.`,
    `  ratatouille methods
  ratatouille methods ties
  ratatouille methods --json | jq -r .[].name`,
  )
    .option("--json", "output for programs")
    .action(async (name: string | undefined, options: MethodsOptions) => {
      const { showMethods } = await import("./methods.ts");
      finish(showMethods(name, options, context));
    });
}
