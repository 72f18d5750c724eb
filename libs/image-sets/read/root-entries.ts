import { stat } from "node:fs/promises";
import { errorCode } from "#libs/files";
import { ImageSetError } from "../errors.ts";
import { type Entries, entriesOf } from "./entries.ts";

/**
 * What is in the folder of a data set.
 * @param holds what it is a folder of, for people: "images"
 * @param form what such a folder looks like
 * @throws ImageSetError for a file, and for what is not there or may not be read
 */
export async function rootEntries(path: string, holds: string, form: string): Promise<Entries> {
  try {
    if (!(await stat(path)).isDirectory()) throw new ImageSetError(`${path} is a file: expected a folder of ${holds}, ${form}`);
    return await entriesOf(path);
  } catch (cause) {
    if (cause instanceof ImageSetError) throw cause;
    const code = errorCode(cause);
    const why =
      code === "ENOENT" || code === "ENOTDIR"
        ? "does not exist"
        : code === "EACCES"
          ? "may not be read by this user"
          : (cause as Error).message;
    throw new ImageSetError(`the folder of ${holds} ${path} ${why}`, { cause });
  }
}
