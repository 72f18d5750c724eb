import type { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { addCommand, optional } from "../options.ts";

/** `ratatouille merge <file>` */
export function defineMerge(program: Command, _context: CommandContext, _finish: (code: number) => void): void {
  optional(
    addCommand(program, "merge <file>", "Merge models as a mergekit configuration says.", "  ratatouille merge config.yml -o out"),
  ).action(() => {
    throw new Error("not there yet");
  });
}
