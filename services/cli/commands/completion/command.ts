import type { Command } from "commander";
import { UsageError } from "#libs/service/process";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs } from "../../options.ts";
import { completion } from "./completion.ts";
import { type Shell, shells } from "./values.ts";

/** `ratatouille completion <shell>` */
export function defineCompletion(program: Command, context: CommandContext, finish: Finish): void {
  addCommand(
    program,
    "completion <shell>",
    `Print completion for bash, zsh or fish.

It completes commands, options and values: methods, states, files, and the runs, jobs and models of the system that the line names. The
command has to be on the PATH, or be called as ./ratatouille. For bash and zsh the line goes into ~/.bashrc or ~/.zshrc; for fish it is run once.`,
    `  source <(ratatouille completion bash)         # ~/.bashrc
  eval "$(ratatouille completion bash)"         # ~/.bashrc, with bash 3 (macOS)
  source <(ratatouille completion zsh)          # ~/.zshrc
  ratatouille completion fish > ~/.config/fish/completions/ratatouille.fish`,
  ).action(
    runs(finish, async (shell: string) => {
      if (!isShell(shell)) throw new UsageError(`there is completion for bash, zsh and fish, not for ${shell}`);
      context.stdout.write(completion(program, shell));
      return 0;
    }),
  );
}

function isShell(name: string): name is Shell {
  return (shells as readonly string[]).includes(name);
}
