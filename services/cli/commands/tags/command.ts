import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs, shared } from "../../options.ts";
import { HOW_NAMES_WORK } from "../names.ts";

/** `ratatouille tags` */
export function defineTags(program: Command, context: CommandContext, finish: Finish): void {
  const tags = addCommand(
    program,
    "tags",
    `Names of versions, such as birds:1.0: list, add, remove.

A tag never means another artifact. What is current is said by a ref, which can be moved.`,
    "  ratatouille tags list birds:\n  ratatouille tags add birds:1.0 birds/champion",
  );
  shared(addCommand(tags, "list [name]", "Tags whose names begin so.", "  ratatouille tags list birds:")).action(
    runs(finish, async (prefix: string | undefined, options) => (await import("./tags.ts")).listTags(prefix ?? "", options, context)),
  );
  const add = `Give an artifact a name for ever.${HOW_NAMES_WORK}`;
  shared(addCommand(tags, "add <tag> <name>", add, "  ratatouille tags add birds:1.0 birds/champion")).action(
    runs(finish, async (tag: string, name: string, options) => (await import("./tags.ts")).addTag(tag, name, options, context)),
  );
  const remove = "Remove a tag. Only the artifact that had it can get it back.";
  shared(addCommand(tags, "remove <tag>", remove, "  ratatouille tags remove birds:1.0")).action(
    runs(finish, async (tag: string, options) => (await import("./tags.ts")).removeTag(tag, options, context)),
  );
}
