import { permissionDenied, type RpcError } from "#libs/rpc";
import { quote } from "#libs/text";

/**
 * What callers of BusService may do with a bus. Subjects are whole, or all below one: `ratatouille.v1.work.cpu.>`. What is not named is
 * refused: whoever consumes as a durable takes its messages away from the program that they are for, and whoever publishes makes others work.
 */
export type BusAccess = {
  readonly publish: readonly string[];
  readonly watch: readonly string[];
  /** The subjects that each durable may consume. */
  readonly consume: Readonly<Record<string, readonly string[]>>;
};

/** @throws PERMISSION_DENIED (SUBJECT_NOT_OPEN) naming the first subject that is not open for that */
export function checkSubjects(open: readonly string[] | "all", subjects: readonly string[], what: string): void {
  const closed = open === "all" ? undefined : subjects.find((subject) => !open.some((pattern) => covers(pattern, subject)));
  if (closed !== undefined) throw notOpen("SUBJECT_NOT_OPEN", `${what} ${quote(closed)} is not open to callers`);
}

/** @throws PERMISSION_DENIED (DURABLE_NOT_OPEN, SUBJECT_NOT_OPEN) */
export function checkConsume(access: BusAccess | "all", durable: string, subjects: readonly string[]): void {
  if (access === "all") return;
  const open = Object.hasOwn(access.consume, durable) ? access.consume[durable] : undefined;
  if (open === undefined) {
    const durables = Object.keys(access.consume);
    const which = durables.length === 0 ? "none is" : `those that are: ${durables.join(", ")}`;
    throw notOpen("DURABLE_NOT_OPEN", `consuming as ${quote(durable)} is not open to callers; ${which}`);
  }
  checkSubjects(open, subjects, `consuming as ${durable} from`);
}

function covers(pattern: string, subject: string): boolean {
  return pattern.endsWith(".>") ? subject.startsWith(pattern.slice(0, -1)) && !/[*>]/.test(subject) : pattern === subject;
}

function notOpen(reason: string, message: string): RpcError {
  return permissionDenied(message, { reason });
}
