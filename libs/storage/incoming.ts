import { randomBytes } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** A process id alone is not enough: in a container every process has the same one after a restart. */
const PROCESS_MARK = randomBytes(4).toString("hex");
const DAY_MS = 86_400_000;

let count = 0;

/** A name for a temporary file that says which process writes it. */
export function temporaryName(): string {
  count += 1;
  return `${process.pid}-${PROCESS_MARK}-${count}.part`;
}

/** Removes what processes that are gone left behind, and anything that was not written to for a day. */
export async function removeStaleFiles(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (isOfLivingProcess(name) && Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0) < DAY_MS) continue;
    await rm(path, { force: true });
  }
}

function isOfLivingProcess(name: string): boolean {
  const [, pid, mark] = /^(\d+)-([0-9a-f]{8})-\d+\.part$/.exec(name) ?? [];
  if (pid === undefined) return false;
  if (Number(pid) === process.pid) return mark === PROCESS_MARK;
  return isAlive(Number(pid));
}

/** Whether a process with this id exists, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Any other answer than "no such process" (EPERM, say) means that there is one.
    return !(error instanceof Error && (("code" in error && error.code === "ESRCH") || /ESRCH|os error 3\)/.test(error.message)));
  }
}
