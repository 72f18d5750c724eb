import { open } from "node:fs/promises";
import { excerpt } from "#libs/text";

/** More of a log than this is not needed to say why a process ended. */
const TAIL_BYTES = 4 << 20;
const MAX_QUOTE = 200;

/** What was appended to a log file after it had `from` bytes; the end of it, if that is much. */
export async function readTail(path: string, from: number): Promise<string> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const start = Math.max(from, size - TAIL_BYTES);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(Math.max(0, size - start)), position: start });
  return buffer.toString("utf8", 0, bytesRead);
}

/**
 * Whether a trainer says in its log that it takes work. The words are those of services/trainer/run-trainer.ts.
 * @example
 * ```ts
 * saysReady('{"level":30,"trainer":"t-1","msg":"trainer ready"}\n', "t-1"); // true
 * saysReady("trainer ready", "t-1"); // false
 * ```
 */
export function saysReady(log: string, trainer: string): boolean {
  return log.split("\n").some((line) => {
    const entry = parse(line);
    return entry?.["msg"] === "trainer ready" && entry["trainer"] === trainer;
  });
}

/**
 * The line of a log that says best why its writer ended: the last that speaks of an error, or else the last; empty if there is none.
 * @example
 * ```ts
 * lastWords("starting\nError: address in use\n    at listen\n"); // "Error: address in use"
 * ```
 */
export function lastWords(log: string): string {
  const lines = log
    .split("\n")
    .map((line) => text(line).trim())
    .filter((line) => line !== "");
  // Runtimes end what they print of an exception with the stack and their version.
  const line = lines.findLast((line) => /^(\w+: )*[\w.]*(error|panic)\b/i.test(line)) ?? lines.at(-1) ?? "";
  return excerpt(line.replace(/^ratatouille: /, ""), MAX_QUOTE);
}

/** A line for people: of a JSON line its error, or else its message. */
function text(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return line;
  const error = entry["err"] as { readonly message?: unknown } | undefined;
  const said = error?.message ?? entry["msg"];
  return typeof said === "string" ? (said.split("\n")[0] ?? "") : line;
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
