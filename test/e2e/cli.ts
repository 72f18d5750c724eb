import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runtimeName } from "#libs/service";
import { waitFor } from "#libs/testing";
import type { Runtime } from "./runtimes.ts";
import { commandOn } from "./runtimes.ts";

/** The checkout. Run files of `examples/` are named relative to it. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

export type CliOptions = {
  readonly cwd?: string;
  /** Added to the environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What is written to standard input, which is empty otherwise. */
  readonly input?: string;
  readonly onLine?: (line: string) => void;
  /** Kills it and whatever it has started. */
  readonly signal?: AbortSignal;
  readonly runtime?: Runtime;
  /** In a pseudo-terminal, whose whole output arrives at `stdout`. */
  readonly terminal?: boolean;
};

/** How a command ended. */
export type CliResult = {
  /** The exit code, or the name of the signal that ended it. */
  readonly code: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
};

/** A command that runs, in a process group of its own; the group is killed when disposed. */
export type Cli = AsyncDisposable & {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Waits for a line of either stream that contains the text or matches; fails at once if the process ends without one. */
  line(wanted: string | RegExp, timeoutMs?: number): Promise<string>;
  /** Sends a signal to the command alone. */
  signal(name: NodeJS.Signals): void;
  /** Sends a signal to the command and all that it has started, as a terminal does. */
  signalGroup(name: NodeJS.Signals): void;
  readonly ended: Promise<CliResult>;
};

/** Nothing that the person who runs the tests has set reaches the commands. */
export const cleared = { RATATOUILLE_SERVER: undefined, RATATOUILLE_TOKEN: undefined, RATATOUILLE_DATA: undefined, NO_COLOR: undefined };
/** A terminal of 24 rows and 100 columns around a command. What comes in goes to it, so Ctrl-C is the character 3. */
const TERMINAL = `import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
import select
inputs = [fd, 0]
while True:
    ready, _, _ = select.select(inputs, [], [])
    if 0 in ready:
        data = os.read(0, 1024)
        if data: os.write(fd, data)
        else: inputs.remove(0)
    if fd in ready:
        try: data = os.read(fd, 65536)
        except OSError: break
        if not data: break
        os.write(1, data)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;

/** Starts the command line, on the runtime of the test unless told otherwise, from the root of the checkout. */
export function startCli(args: readonly string[], options: CliOptions = {}): Cli {
  const { cwd = root, input, onLine, signal, runtime = runtimeName(), terminal = false } = options;
  const env: NodeJS.ProcessEnv = { ...process.env, ...cleared, ...options.env };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name];
  const [program, flags] = commandOn(runtime);
  const command = [program, ...flags, fileURLToPath(new URL("../../services/cli/main.ts", import.meta.url)), ...args];
  const all = terminal ? ["python3", "-c", TERMINAL, ...command] : command;
  const child = spawn(all[0]!, all.slice(1), { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  const lines: string[] = [];
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
    createInterface({ input: child[name] }).on("line", (line) => {
      lines.push(line);
      onLine?.(line);
    });
  }
  child.stdin.on("error", () => undefined);
  if (input !== undefined) child.stdin.write(input);
  if (!terminal) child.stdin.end();
  const running = () => child.exitCode === null && child.signalCode === null;
  const ended = once(child, "close").then(([code, name]) => ({ code: code ?? name, ...output }) as CliResult);
  ended.catch(() => undefined);
  const pid = child.pid ?? 0;
  const send = (target: number, name: NodeJS.Signals) => {
    try {
      process.kill(target, name);
    } catch {
      // It is gone already.
    }
  };
  const kill = () => pid > 0 && send(-pid, "SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  return {
    child,
    pid,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    signal: (name) => send(pid, name),
    signalGroup: (name) => send(-pid, name),
    async line(wanted, timeoutMs = 60_000) {
      const found = () => lines.find((line) => (typeof wanted === "string" ? line.includes(wanted) : wanted.test(line)));
      const what = `${wanted} from ratatouille ${args.join(" ")}`;
      await waitFor(() => found() ?? !running(), { timeoutMs, what });
      if (!running()) await ended;
      const line = found();
      if (line === undefined) throw new Error(`there was no ${what}:\n${output.stdout}${output.stderr}`);
      return line;
    },
    async [Symbol.asyncDispose]() {
      kill();
      await ended;
    },
  };
}

/** Runs the command line to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  await using cli = startCli(args, options);
  return await cli.ended;
}

/** Runs the command line and returns its standard output. @throws Error with all that it said, if it does not exit with 0 */
export async function succeed(args: readonly string[], options: CliOptions = {}): Promise<string> {
  return succeeded(args, await runCli(args, options));
}

/** The standard output of a command that has ended. @throws Error with all that it said, if it has not exited with 0 */
export function succeeded(args: readonly string[], { code, stdout, stderr }: CliResult): string {
  if (code !== 0) throw new Error(`ratatouille ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}
