import { readFileSync } from "node:fs";
import type { Owner } from "./journal.ts";

/** This process. */
export function thisProcess(): Owner {
  const started = startOf(process.pid);
  return { pid: process.pid, ...(started === undefined ? {} : { started }) };
}

/** Whether a process lives that is not this one. */
export function isAnotherLiving({ pid, started }: Owner): boolean {
  if (pid === process.pid) return false;
  const now = startOf(pid);
  if (now !== undefined && started !== undefined) return now === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Deno leaves the code out where it knows none. Another user's process lives, too.
    return !/ESRCH|os error 3\)/.test(`${(error as NodeJS.ErrnoException).code} ${(error as Error).message}`);
  }
}

/** When a process began, in ticks since the system did, where the system tells. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name of the program, in parentheses, and may hold anything.
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}
