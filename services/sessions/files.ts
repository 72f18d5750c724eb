import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeDirectory, syncDirectory } from "#libs/files";

/** Names of what sessions have on the disk: a folder for each session. */
export type SessionFiles = {
  readonly root: string;
  folder(session: string): string;
  /** The bytes of a contribution. */
  contribution(session: string, id: number): string;
  /** The bytes of a contribution that is in the sums, sent again to be taken out. */
  returned(session: string, id: number): string;
  sums(session: string, name: string): string;
  /** Where a snapshot is written. */
  scratch(session: string): string;
  /** Creates the folder of a session. */
  make(session: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  /** Makes the names in the folder of a session durable. */
  sync(session: string): Promise<void>;
  remove(path: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Deletes whatever `keep` does not name: paths of folders of sessions, and of the files in them. */
  sweep(keep: ReadonlySet<string>): Promise<number>;
};

/** The name of a file of sums. */
export const sumsName = (generation: number): string => `sums-${generation}.safetensors`;

/** Files of sessions below a folder. */
export function createSessionFiles(root: string): SessionFiles {
  const folder = (session: string) => join(root, session);
  const remove = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 });
  return {
    root,
    folder,
    contribution: (session, id) => join(root, session, `contribution-${id}.safetensors`),
    returned: (session, id) => join(root, session, `returned-${id}.safetensors`),
    sums: (session, name) => join(root, session, name),
    scratch: (session) => join(root, session, "snapshot"),
    async make(session) {
      await makeDirectory(folder(session));
    },
    async makeFolder(path) {
      await mkdir(path, { recursive: true });
    },
    sync: (session) => syncDirectory(folder(session)),
    remove,
    exists: (path) =>
      stat(path).then(
        () => true,
        () => false,
      ),
    async sweep(keep) {
      let removed = 0;
      await mkdir(root, { recursive: true });
      for (const session of await readdir(root)) {
        const path = folder(session);
        const doomed = keep.has(path) ? (await readdir(path)).map((name) => join(path, name)).filter((file) => !keep.has(file)) : [path];
        for (const file of doomed) await remove(file);
        removed += doomed.length;
      }
      return removed;
    },
  };
}
