import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { promisify } from "node:util";
import { waitFor } from "#libs/testing";

const execute = promisify(execFile);

/** A file system of its own, in memory; unmounted when disposed, once nobody uses it any more. */
export type SmallDisk = AsyncDisposable & {
  readonly path: string;
  /** Gives it another size. @throws Error where it holds more */
  resize(size: string): Promise<void>;
};

/** Mounts one at a directory, which is made. Only root can. @param size as tmpfs has it: "64m" */
export async function mountSmallDisk(path: string, size: string): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  await execute("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path]);
  return {
    path,
    resize: async (other) => void (await execute("mount", ["-o", `remount,size=${other}`, path])),
    [Symbol.asyncDispose]: async () => void (await waitFor(() => execute("umount", [path]), { what: "the end of all that uses the disk" })),
  };
}

/** Why none can be mounted here, which is tried at a directory; undefined where one can. */
export async function whyNoSmallDisk(probe: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "only root can mount a small disk";
  try {
    await using _disk = await mountSmallDisk(probe, "64k");
    return undefined;
  } catch (error) {
    return `no disk can be mounted here: ${(error as Error).message}`;
  }
}
