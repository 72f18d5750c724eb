import { readFileSync } from "node:fs";
import type { Owner } from "./journal.ts";

/** This process. */
export function thisProcess(): Owner {
  const started = factsOf(process.pid)?.started;
  return { pid: process.pid, ...(started === undefined ? {} : { started }) };
}

/** Whether a process lives that is not this one. One that has ended and was not waited for is dead. */
export function isAnotherLiving({ pid, started }: Owner): boolean {
  if (pid === process.pid) return false;
  const found = factsOf(pid);
  if (found && ENDED.has(found.state)) return false;
  if (found && started !== undefined) return found.started === started;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Deno leaves the code out where it knows none. Another user's process lives, too.
    return !/ESRCH|os error 3\)/.test(`${(error as NodeJS.ErrnoException).code} ${(error as Error).message}`);
  }
}

/** States of a process that runs no more: a zombie, and dead. */
const ENDED: ReadonlySet<string | undefined> = new Set(["Z", "X"]);

/** The state of a process, and when it began, in ticks since the system did, where the system tells. */
function factsOf(pid: number): { readonly state: string | undefined; readonly started: string | undefined } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name of the program, in parentheses, and may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0], started: fields[19] };
  } catch {
    return undefined;
  }
}
