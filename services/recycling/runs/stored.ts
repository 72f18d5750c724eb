import { join } from "node:path";
import { readColumn } from "#libs/storage";

/** The ids of runs, newest first, from the directory of the service, whoever has it open; 500 at most. @throws Error if there is none */
export function storedRuns(directory: string): string[] {
  return readColumn(join(directory, "recycling.sqlite"), "select id from runs order by rowid desc limit 500");
}
