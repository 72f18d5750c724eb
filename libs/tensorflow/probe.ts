import { fileURLToPath } from "node:url";
import { complaint, runProgram } from "./run-program.ts";

/** What a TensorFlow says of itself in a process of its own, or why it does not. */
export type Probed =
  | { readonly version: string; readonly accelerator: boolean; readonly notes: readonly string[] }
  | { readonly problem: string };

const program = fileURLToPath(new URL("probe-process.ts", import.meta.url));

/**
 * Has a TensorFlow compute something, in a process of its own: what is wrong with it or with a driver cannot end this one.
 * `notes` are what it writes about accelerators.
 * @throws the signal's reason
 */
export async function probe(
  binding: string,
  { env = process.env, signal }: { env?: NodeJS.ProcessEnv; signal?: AbortSignal | undefined } = {},
): Promise<Probed> {
  const deno = process.versions["deno"] === undefined ? [] : ["run", "-A", "--no-check", "--no-lock"];
  const ended = await runProgram(process.execPath, [...deno, program, binding], { env, signal });
  if (ended.code !== 0) return { problem: complaint(ended) };
  const said = JSON.parse(ended.output.trim().split("\n").at(-1) ?? "") as { version: string; accelerator: boolean };
  const notes = ended.errors.split("\n").filter((line) => /cuda|gpu|cudnn/i.test(line));
  return { ...said, notes: notes.map((line) => line.replace(/^.*?\.(cc|cpp|h):\d+\]\s*/, "").trim()) };
}
