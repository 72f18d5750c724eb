import { join } from "node:path";
import { readColumn } from "#libs/storage";

/** The names of a catalog, from its directory, whoever has it open; 500 at most. @throws Error if there is none */
export function storedRefs(directory: string): string[] {
  return readColumn(join(directory, "catalog.sqlite"), "select name from ref where digest is not null order by name limit 500");
}
