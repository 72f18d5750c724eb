import type { Command } from "commander";
import type { CommandContext } from "../context.ts";
import { addCommand, optional } from "../options.ts";

/** `ratatouille check <models...>` */
export function defineCheck(program: Command, _context: CommandContext, _finish: (code: number) => void): void {
  optional(
    addCommand(
      program,
      "check <models...>",
      "Say whether models may be averaged, and why not.",
      "  ratatouille check a.safetensors b.safetensors",
    ),
  ).action(() => {
    throw new Error("not there yet");
  });
}
