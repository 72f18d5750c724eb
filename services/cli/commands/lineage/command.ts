import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import { HOW_NAMES_WORK } from "../names.ts";

/** `ratatouille lineage <name>` */
export function defineLineage(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "lineage <name>",
    `Where a model comes from, down to the imported files.${HOW_NAMES_WORK}`,
    `  ratatouille lineage digits/seed-10/held-out-25
  ratatouille lineage digits/seed-10/held-out-25 --dot | dot -Tsvg > lineage.svg`,
  );
  shared(command)
    .option("--dot", "for Graphviz")
    .action(runs(finish, async (name: string, options) => (await import("./lineage.ts")).lineage(name, options, context)));
}
