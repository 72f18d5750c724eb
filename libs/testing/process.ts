import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { within } from "#libs/concurrency";
import { signalChild } from "#libs/service";
import { waitFor } from "./wait-for.ts";

/** A child process of a test, killed when disposed. */
export type TestProcess = AsyncDisposable & {
  child: ChildProcess;
  pid: number;
  /** Lines of its standard output and error so far. */
  lines: string[];
  /** Whether it has not ended yet. */
  running(): boolean;
  /** Waits for a line that contains the text and returns it; fails at once if the process ends without one. */
  line(text: string, timeoutMs?: number): Promise<string>;
  /** Sends a signal (SIGKILL by default) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Resolves with the exit code, or the name of the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
};

/** A process that was sent a signal ends within that time, or a test fails. */
const END_MS = 60_000;

/**
 * Starts a program: `await using writer = testProcess(process.execPath, ["writer.ts"])`.
 * @example
 * ```ts
 * await using child = testProcess("sh", ["-c", "echo ready; exec sleep 60"]);
 * await child.line("ready"); // "ready"
 * ```
 */
export function testProcess(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): TestProcess {
  return watchedProcess(spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] }), `${command} ${args.join(" ")}`);
}

/** A child that was started otherwise, with pipes for its output, as a child process of a test. `name` is how errors call it. */
export function watchedProcess(child: ChildProcess, name: string): TestProcess {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) if (stream) createInterface({ input: stream }).on("line", (line) => lines.push(line));
  const running = () => child.exitCode === null && child.signalCode === null;
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  ended.catch(() => undefined); // a program that does not exist: line() and kill() say so
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    // Not `child.kill`: see signalChild of libs/service.
    if (running()) signalChild(child, signal);
    if ((await within(END_MS, ended)) === undefined)
      throw new Error(`${name} has not ended ${END_MS} ms after ${signal}:\n${lines.join("\n")}`);
  };
  return {
    child,
    pid: child.pid ?? -1,
    lines,
    running,
    ended,
    kill,
    async line(text, timeoutMs = 30_000) {
      const found = () => lines.find((line) => line.includes(text));
      await waitFor(() => found() ?? !running(), { timeoutMs, what: `"${text}" from ${name}` });
      if (!running()) await ended; // all its output has arrived
      const line = found();
      if (line === undefined) throw new Error(`${name} ended without "${text}":\n${lines.join("\n")}`);
      return line;
    },
    [Symbol.asyncDispose]: () => kill(),
  };
}
