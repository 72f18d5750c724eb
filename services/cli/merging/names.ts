/** The commands of this folder: they work on files, and start without what only others need. */
export const mergingCommands: readonly string[] = ["average", "merge", "check", "methods"];
