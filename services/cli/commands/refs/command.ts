import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import { HOW_NAMES_WORK } from "../names.ts";

/** `ratatouille refs` */
export function defineRefs(program: Command, context: CommandContext, finish: Finish): void {
  const refs = addCommand(
    program,
    "refs",
    "Names that say what is current, such as birds/champion: list, with their history, move, delete.",
    "  ratatouille refs list birds/\n  ratatouille refs move birds/champion birds:1.1 --reason better",
  );
  shared(
    addCommand(refs, "list [name]", "Refs whose names begin so, and where they were before.", "  ratatouille refs list birds/"),
  ).action(
    runs(finish, async (prefix: string | undefined, options) => (await import("./refs.ts")).listRefs(prefix ?? "", options, context)),
  );
  const move = `Move a ref, or make it. It is refused where somebody else has moved it meanwhile.${HOW_NAMES_WORK}`;
  shared(addCommand(refs, "move <ref> <name>", move, "  ratatouille refs move birds/champion birds:1.1"))
    .option("--from <name>", "where it points now; without it, where it is seen to point")
    .option("--reason <text>", "kept in its history")
    .action(runs(finish, async (ref: string, name: string, options) => (await import("./refs.ts")).moveRef(ref, name, options, context)));
  shared(addCommand(refs, "delete <ref>", "Delete a ref; its history stays.", "  ratatouille refs delete birds/champion"))
    .option("--reason <text>", "kept in its history")
    .action(runs(finish, async (ref: string, options) => (await import("./refs.ts")).moveRef(ref, undefined, options, context)));
}
