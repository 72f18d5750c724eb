import { access } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, moveDurably } from "#libs/files";
import { openSessionStore } from "./store/store.ts";

/** The database of sessions. */
export const DATABASE = "sessions.sqlite";
/** The folder of their files. */
export const FOLDER = "sessions";
/** The database while sessions were a part of the averaging service. */
const EARLIER_DATABASE = "averaging.sqlite";

/**
 * Takes over the sessions of an averaging service that had them itself: their files first and the database last, so that one that died in
 * between goes on. Returns whether there were any. The two directories are on one file system, and nobody else uses them.
 */
export async function adoptEarlier(earlier: string, directory: string): Promise<boolean> {
  const [from, to] = [join(earlier, EARLIER_DATABASE), join(directory, DATABASE)];
  if ((await exists(to)) || !(await exists(from))) return false;
  // Its end brings what is in the log of the database into the one file that moves.
  await (await openSessionStore(from))[Symbol.asyncDispose]();
  if (await exists(`${from}-wal`)) throw new Error(`${from} is in use: end the averaging service of the earlier version first`);
  await makeDirectory(directory);
  const files = join(earlier, FOLDER);
  if (earlier !== directory && (await exists(files))) await moveDurably(files, join(directory, FOLDER));
  await moveDurably(from, to);
  return true;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
