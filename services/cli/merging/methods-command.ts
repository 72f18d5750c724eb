import type { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { addCommand, optional } from "../options.ts";

/** `ratatouille methods [name]` */
export function defineMethods(program: Command, _context: CommandContext, _finish: (code: number) => void): void {
  optional(addCommand(program, "methods [name]", "The methods that merge models.", "  ratatouille methods ties")).action(() => {
    throw new Error("not there yet");
  });
}
