import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { fstatSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Everything that depends on the runtime is in this file. */
export type RuntimeName = "bun" | "node" | "deno";

/** The runtime of this process. */
export function runtimeName(): RuntimeName {
  if (process.versions["bun"]) return "bun";
  return process.versions["deno"] ? "deno" : "node";
}

/** The version of the runtime of this process, like `1.4.5`. */
export function runtimeVersion(): string {
  return process.versions[runtimeName()] ?? process.version.slice(1);
}

/** User and system CPU time that this process has used so far, all threads, in milliseconds. */
export function cpuTimeMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const flags: Record<RuntimeName, readonly string[]> = {
  // Not the .env and bunfig.toml of the folder that a person happens to be in.
  bun: ["--config=/dev/null", "--no-env-file"],
  // node:sqlite still announces itself as experimental on Node 24.
  node: ["--disable-warning=ExperimentalWarning"],
  deno: ["run", "-A", "--no-check", "--no-lock", "--quiet"],
};

/** The program and its arguments that run one of our scripts: on the runtime of this process, or on another of those that are installed here. */
export function scriptCommand(
  path: string,
  args: readonly string[],
  runtime: RuntimeName = runtimeName(),
): [program: string, ...args: string[]] {
  const installed = () => fileURLToPath(new URL(`../../node_modules/.bin/${runtime}`, import.meta.url));
  return [runtime === runtimeName() ? process.execPath : installed(), ...flags[runtime], path, ...args];
}

export type SpawnScriptOptions = Omit<SpawnOptions, "env"> & {
  /** Added to this process's environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** That of this process by default. */
  readonly runtime?: RuntimeName | undefined;
};

const parentVariable = "RATATOUILLE_PARENT_PID";

/**
 * Starts one of our scripts as a child process, on the runtime that runs this one unless told otherwise. Its stdin is a pipe unless `stdio` says otherwise:
 * with that and `exitWhenParentIsGone` in the child, it does not outlive this process.
 */
export function spawnScript(path: string, args: readonly string[], { runtime, ...options }: SpawnScriptOptions = {}): ChildProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, [parentVariable]: String(process.pid), ...options.env };
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name];
  const [program, ...rest] = scriptCommand(path, args, runtime);
  return spawn(program, rest, { stdio: ["pipe", "inherit", "inherit"], ...options, env });
}

/**
 * Sends a signal to a child; false when it has ended. Use this and not `child.kill`, which on Deno 2.9 works only once for a child
 * and hides its exit code.
 */
export function signalChild(child: ChildProcess, signal: NodeJS.Signals): boolean {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
  try {
    return process.kill(child.pid, signal);
  } catch {
    return false;
  }
}

/**
 * Sees to it that a child that is not ours to change ends with this process, however that goes: a guard waits for the end of this process
 * and kills the child then, with its whole group where it leads one (`detached`). The guard is gone when the child is.
 */
export function endWithThisProcess(child: ChildProcess, { group = false } = {}): void {
  if (child.pid === undefined) return;
  // Detached: a Ctrl-C in the terminal is not for the guard.
  const guard = spawn("sh", ["-c", 'cat >/dev/null; kill -s KILL -- "$0" 2>/dev/null', `${group ? "-" : ""}${child.pid}`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.once("error", () => undefined);
  guard.stdin?.once("error", () => undefined);
  guard.unref();
  child.once("exit", () => signalChild(guard, "SIGKILL"));
}

/**
 * Ends this process with code 1 when the process that started it by `spawnScript` is gone, however it went: within a second by the
 * parent's id, at once by the end of stdin where that is a pipe. Does not keep the process alive. Does nothing in a process that was started otherwise.
 * The event loop has to turn for it: code that computes without a pause is not interrupted.
 */
export function exitWhenParentIsGone(): void {
  const parent = Number(process.env[parentVariable]);
  if (!Number.isInteger(parent) || parent <= 0) return;
  const exit = () => process.exit(1);
  const check = () => {
    if (process.ppid !== parent) exit();
  };
  check();
  setInterval(check, 1000).unref();
  // Deno cannot let go of stdin: reading it would keep the process alive.
  if (runtimeName() !== "deno" && isPipe(0)) {
    process.stdin.once("end", exit).once("error", exit).resume();
    process.stdin.unref();
  }
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}
