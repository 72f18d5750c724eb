import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";

/** `ratatouille retention` */
export function defineRetention(program: Command, context: CommandContext, finish: Finish): void {
  const retention = addCommand(
    program,
    "retention",
    "Rules of what gc keeps besides what names and runs need: list, set, remove.",
    "  ratatouille retention set scores --filter 'kind = evaluation' --days 90\n  ratatouille retention set champions --prefix birds/ --moves 5",
  );
  shared(addCommand(retention, "list", "All rules.", "  ratatouille retention list")).action(
    runs(finish, async (options) => (await import("./retention.ts")).listRules(options, context)),
  );
  const set = "Set a rule, in place of one of the same name: what a filter finds, or where refs pointed before.";
  shared(addCommand(retention, "set <name>", set, "  ratatouille retention set champions --prefix birds/ --moves 5"))
    .option("--filter <text>", "what is kept, as in models list --filter")
    .option("--days <number>", "for so long after its publication (default: for ever)", Number)
    .option("--moves <number>", "where refs pointed before their last so many moves", Number)
    .option("--prefix <text>", "of refs whose names begin so (default: of all)")
    .action(runs(finish, async (name: string, options) => (await import("./retention.ts")).setRule(name, options, context)));
  shared(addCommand(retention, "remove <name>", "Remove a rule.", "  ratatouille retention remove champions")).action(
    runs(finish, async (name: string, options) => (await import("./retention.ts")).removeRule(name, options, context)),
  );
}
