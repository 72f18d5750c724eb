import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Files beside a target that become it. */
export type TemporaryFile = AsyncDisposable & {
  readonly path: string;
  /** Makes the bytes durable and gives the file its name in one step. */
  publish(options?: { readonly fsync?: boolean }): Promise<void>;
};

/** An empty file beside `target`. It is removed unless it is published; what dead processes left of the same target is removed as well. */
export async function temporaryFor(target: string): Promise<TemporaryFile> {
  const [directory, name] = [dirname(target), basename(target)];
  await removeLeftovers(directory, name);
  const path = join(directory, `.${name}.${process.pid}-${count++}.partial`);
  await (await open(path, "wx")).close();
  return {
    path,
    async publish({ fsync = true } = {}) {
      if (fsync) await sync(path, "r+");
      await rename(path, target);
      if (fsync) await sync(directory, "r");
    },
    [Symbol.asyncDispose]: () => rm(path, { force: true }),
  };
}

let count = 0;

async function removeLeftovers(directory: string, name: string): Promise<void> {
  for (const entry of await readdir(directory)) {
    const [, pid] = entry.startsWith(`.${name}.`) ? (/^(\d+)-\d+\.partial$/.exec(entry.slice(name.length + 2)) ?? []) : [];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(directory, entry), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !/ESRCH|os error 3\)/.test(`${(error as { code?: string }).code} ${(error as Error).message}`);
  }
}

async function sync(path: string, flags: string): Promise<void> {
  await using file = await open(path, flags);
  await file.sync();
}
