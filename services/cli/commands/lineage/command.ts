import { type Command, Option } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import { HOW_NAMES_WORK } from "../names.ts";

/** `ratatouille lineage <name>` */
export function defineLineage(program: Command, context: CommandContext, finish: Finish): void {
  const command = addCommand(
    program,
    "lineage <name>",
    `Where a model comes from, down to the imported files; or what was made of it, and what it has in common with another.${HOW_NAMES_WORK}`,
    `  ratatouille lineage digits/seed-10/held-out-25
  ratatouille lineage digits/seed-10/held-out-25 --dot | dot -Tsvg > lineage.svg
  ratatouille lineage birds:1.0 --format cyclonedx > birds.cdx.json
  ratatouille lineage imagenet/resnet50 --members`,
  );
  shared(command)
    .option("--dot", "for Graphviz")
    .addOption(new Option("--format <format>", "for others: CycloneDX ML-BOM or W3C PROV, as JSON").choices(["cyclonedx", "prov"]))
    .option("--descendants", "what was made of it, as a list")
    .option("--members", "with --descendants or alone: the models that contain it, directly or through others")
    .option("--common-with <artifact>", "the nearest artifacts that both come from")
    .action(runs(finish, async (name: string, options) => (await import("./lineage.ts")).lineage(name, options, context)));
}
