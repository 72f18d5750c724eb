import type { Command } from "commander";
import { UsageError } from "#libs/service/process";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs } from "../../options.ts";
import { completion, isShell } from "./completion.ts";

/** `ratatouille completion <shell>` */
export function defineCompletion(program: Command, context: CommandContext, finish: Finish): void {
  addCommand(
    program,
    "completion <shell>",
    "Print completion for bash, zsh or fish.",
    `  source <(ratatouille completion bash)
  ratatouille completion zsh > "\${fpath[1]}/_ratatouille"
  ratatouille completion fish > ~/.config/fish/completions/ratatouille.fish`,
  ).action(
    runs(finish, async (shell: string) => {
      if (!isShell(shell)) throw new UsageError(`there is completion for bash, zsh and fish, not for ${shell}`);
      context.stdout.write(completion(program, shell));
      return 0;
    }),
  );
}
