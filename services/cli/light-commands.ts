/** Commands that work on files, and start without what only others need. */
export const lightCommands: readonly string[] = ["average", "merge", "check", "methods", "names"];
