import { join } from "node:path";
import { readColumn } from "#libs/storage";

/** The ids of jobs, newest first, from the directory of the service, whoever has it open; 500 at most. @throws Error if there is none */
export function storedJobs(directory: string): string[] {
  return readColumn(join(directory, "finetune.sqlite"), "select id from jobs order by sequence desc limit 500");
}
