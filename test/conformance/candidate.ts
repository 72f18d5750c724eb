import { spawn } from "node:child_process";
import { type TestProcess, watchedProcess } from "#libs/testing";
import { cleared } from "../e2e/cli.ts";

/** A trainer command, started. */
export type Candidate = AsyncDisposable & {
  readonly process: TestProcess;
  /** Sends a signal to the command and all that it has started. */
  signalAll(name: NodeJS.Signals): void;
  /** Sends a signal to the command alone, as a supervisor does. */
  signal(name: NodeJS.Signals): void;
  /** Kills the command and all that it has started. */
  kill(): Promise<void>;
};

/** The argument in whose place the address comes. */
const PLACE = "{server}";

/** The words of a command with the address of the system, in its place or at the end. */
function commandFor(command: readonly string[], address: string): readonly string[] {
  if (command.some((word) => word.includes(PLACE))) return command.map((word) => word.replaceAll(PLACE, address));
  return [...command, "--server", address];
}

/** Starts a trainer, in a process group of its own. */
export function startCandidate(
  command: readonly string[],
  { address, env }: { readonly address: string; readonly env: Readonly<Record<string, string>> },
): Candidate {
  const [program = "", ...args] = commandFor(command, address);
  const variables: NodeJS.ProcessEnv = { ...process.env, ...cleared, RATATOUILLE_SERVER: address, ...env };
  for (const [name, value] of Object.entries(variables)) if (value === undefined) delete variables[name];
  const child = spawn(program, args, {
    env: variables,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const watched = watchedProcess(child, command.join(" "));
  const send = (target: number, name: NodeJS.Signals) => {
    try {
      process.kill(target, name);
    } catch {
      // It is gone already.
    }
  };
  const pid = child.pid ?? 0;
  const kill = async () => {
    if (pid > 0) send(-pid, "SIGKILL");
    await watched.ended.catch(() => undefined);
  };
  return {
    process: watched,
    signal: (name) => pid > 0 && send(pid, name),
    signalAll: (name) => pid > 0 && send(-pid, name),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
