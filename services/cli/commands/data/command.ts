import type { Command } from "commander";
import type { CommandContext } from "../../context.ts";
import { addCommand, type Finish, runs } from "../../options.ts";

/** `ratatouille data` */
export function defineData(program: Command, context: CommandContext, finish: Finish): void {
  const data = addCommand(program, "data", "Folders of images or records: check.", "  ratatouille data check ~/birds");
  addCommand(
    data,
    "check <folder>",
    `Look through a folder of images, or of records that are none, before anything is trained on it.

Each folder in it is a domain, each folder in that a class: domain/class/image, in JPEG, PNG, WebP, GIF, TIFF or AVIF. A domain may also be a
folder of images with labels.csv (columns file and class, perhaps item), or idx files as MNIST has them; classes.txt beside the domains may
list all classes.

A folder of records has a file a domain: DOMAIN.jsonl, one JSON object a line, or DOMAIN.csv with a head, each record with a label, its class,
and perhaps an item; or domain/class/file, of any type. Lines that are broken or have no label are errors, equal records in two domains warnings.

Every image is read. Errors: files that are empty, cut short, no image, or of more than 100 megapixels; folders and lists that are not as
they should be. Warnings: images that are the same or nearly the same in two domains, items that several domains show, classes that are missing
in a domain or small, files that are left out. Exit code 0 without errors, 1 with.`,
    `  ratatouille data check ~/birds
  ratatouille data check ~/birds --against ~/inat
  ratatouille data check ~/birds --json | jq '.problems[].message'`,
  )
    .option(
      "--against <folder>",
      "another folder, of an auxiliary task: does it hold images or records of this one? (repeatable)",
      (value: string, before: readonly string[] = []) => [...before, value],
    )
    .option("--json", "output for programs: all problems, all counts")
    .option("--quiet", "no progress")
    .action(runs(finish, async (folder: string, options) => (await import("./check.ts")).checkData(folder, options, context)));
}
