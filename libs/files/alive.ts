import { readFileSync } from "node:fs";
import { hasErrorCode } from "./errors.ts";

/**
 * Whether a process with this id runs, whoever owns it; one that has ended and was not waited for does not. For messages and for hints:
 * the id may be another process's by now, and in another container it means another one. What must be certain takes a lock.
 * @example
 * ```ts
 * isAlive(process.pid); // true
 * isAlive(2 ** 22 + 1); // false
 * ```
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Any other answer than "no such process" (EPERM, say) means that there is one.
    return !hasErrorCode(error, "ESRCH");
  }
  return !ENDED.has(stateOf(pid));
}

/** States of a process that runs no more: a zombie, and dead. */
const ENDED: ReadonlySet<string | undefined> = new Set(["Z", "X"]);

/** The state of a process, where the system tells. */
function stateOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name of the program, in parentheses, and may hold anything.
    return text[text.lastIndexOf(")") + 2];
  } catch {
    return undefined;
  }
}
