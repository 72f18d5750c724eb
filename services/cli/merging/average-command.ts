import type { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { addCommand, optional } from "../options.ts";

/** `ratatouille average <models...>` */
export function defineAverage(program: Command, _context: CommandContext, _finish: (code: number) => void): void {
  optional(
    addCommand(
      program,
      "average <models...>",
      "Average models into one.",
      "  ratatouille average a.safetensors b.safetensors -o out.safetensors",
    ),
  ).action(() => {
    throw new Error("not there yet");
  });
}
