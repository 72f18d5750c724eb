import type { Command } from "commander";
import { trainerSettings } from "../../../trainer/settings.ts";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs } from "../../options.ts";
import { configured } from "../configured.ts";

/** `ratatouille trainer` */
export function defineTrainer(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "trainer",
    "A trainer: takes jobs from a running system, until it is asked to stop.",
    `  ratatouille trainer --server gateway:7437
  ratatouille trainer --server gateway:7437 --memory 4096 --name remy`,
  );
  configured(command, trainerSettings).action(
    runs(finish, async (options) => {
      const { trainer } = await import("./trainer.ts");
      return trainer(options, context);
    }),
  );
}
