import { spawn } from "node:child_process";

/** How a program ended: its exit code, undefined if it could not be started, and the last that it wrote to standard error. */
export type Ended = { readonly code: number | undefined; readonly output: string; readonly errors: string };

const KEPT_CHARACTERS = 20_000;

/**
 * Runs a program to its end. An abort ends it and whatever it has started; so does the end of this process, however that goes.
 * @throws the signal's reason
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env = process.env, signal, cwd }: { env?: NodeJS.ProcessEnv; signal?: AbortSignal | undefined; cwd?: string } = {},
): Promise<Ended> {
  signal?.throwIfAborted();
  // Not loaded by those who only look whether TensorFlow is there.
  const { endWithThisProcess } = await import("#libs/service");
  const child = spawn(program, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const stop = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  signal?.addEventListener("abort", stop);
  endWithThisProcess(child, { group: true });
  try {
    const written = { output: "", errors: "" };
    child.stdout.on("data", (data) => {
      written.output = (written.output + data).slice(-KEPT_CHARACTERS);
    });
    child.stderr.on("data", (data) => {
      written.errors = (written.errors + data).slice(-KEPT_CHARACTERS);
    });
    const code = await new Promise<number | undefined>((resolve) => {
      child.on("error", () => resolve(undefined));
      child.on("close", (ended) => resolve(ended ?? -1));
    });
    signal?.throwIfAborted();
    return { code, ...written };
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** The first line that says what went wrong, or the last one. */
export function complaint({ errors, output }: Ended): string {
  const lines = `${output}\n${errors}`.split("\n").map((line) => line.trim());
  const said = lines.filter((line) => line.length > 0);
  return said.find((line) => /\berror\b/i.test(line)) ?? said.at(-1) ?? "it said nothing";
}
