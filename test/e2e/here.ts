import { Writable } from "node:stream";
import { live } from "#libs/service/process";
import { runCommand, sayError } from "../../services/cli/run-command.ts";
import { type CliOptions, type CliResult, cleared, root, succeeded } from "./cli.ts";

type HereOptions = Pick<CliOptions, "cwd" | "env">;

/** Commands that run here take turns, as each has an environment and a working directory of its own. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Runs the command line as `runCli` does, but in this process, where what most commands need is loaded once: for a short command a
 * process takes a second of a core for that. Not for what works beside a test, asks a person, or is about the process itself.
 */
export function runHere(args: readonly string[], options: HereOptions = {}): Promise<CliResult> {
  const result = turn.then(() => run(args, options));
  turn = result.catch(() => undefined);
  return result;
}

/** Like `succeed`, in this process. @throws Error with all that it said, if its exit code is not 0 */
export async function succeedHere(args: readonly string[], options: HereOptions = {}): Promise<string> {
  return succeeded(args, await runHere(args, options));
}

async function run(args: readonly string[], { cwd = root, env = {} }: HereOptions): Promise<CliResult> {
  const [stdout, stderr] = [capture(), capture()];
  const { signal } = new AbortController();
  const command = `ratatouille ${args[0] ?? ""}`.trim();
  const restore = changeEnvironment({ ...cleared, ...env });
  const before = process.cwd();
  process.chdir(cwd);
  try {
    const code = await live(
      (stack, signal) => runCommand(args, { stack, signal, command, stdout: stdout.stream, stderr: stderr.stream }),
      signal,
      { onError: (error) => sayError(error, stderr.stream) },
    );
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    process.chdir(before);
    restore();
  }
}

/** A stream that is no terminal, and what was written to it. */
function capture() {
  let text = "";
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Uint8Array, _encoding, written) {
      text += typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
      written();
    },
  });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}

function changeEnvironment(changes: Readonly<Record<string, string | undefined>>): () => void {
  const before = Object.keys(changes).map((name) => [name, process.env[name]] as const);
  const set = (entries: typeof before) => {
    for (const [name, value] of entries) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(Object.entries(changes));
  return () => set(before);
}
