import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { signalChild, spawnScript } from "#libs/service";

/** A finished program. */
export type Finished = {
  readonly stdout: string;
  readonly wallMs: number;
  /** From the start to the first output; undefined if there was none. */
  readonly firstOutputMs: number | undefined;
};

/** The repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a program in the repository and waits for its end. Throws with its last words when it fails. */
export async function runProgram(path: string, args: readonly string[]): Promise<Finished> {
  return finish(() => spawn(path, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] }), [path, ...args].join(" "));
}

/** Runs one of our scripts on this runtime and reads the JSON that it prints. */
export async function runScript<T>(name: string, args: readonly string[]): Promise<T> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const { stdout } = await finish(() => spawnScript(path, args, { cwd: ROOT, stdio: ["pipe", "pipe", "pipe"] }), name);
  return JSON.parse(stdout) as T;
}

/** A script that runs beside what is measured; killed when disposed. */
export type RunningScript<T> = Disposable & {
  /** Rejects when it fails; never resolves before `end()`. */
  readonly result: Promise<T>;
  /** Closes its stdin, which asks it to end, and reads the JSON that it prints. */
  end(): Promise<T>;
};

/** Starts one of our scripts on this runtime. */
export function startScript<T>(name: string, args: readonly string[]): RunningScript<T> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  const child = spawnScript(path, args, { cwd: ROOT, stdio: ["pipe", "pipe", "pipe"] });
  const result = finish(() => child, name).then(({ stdout }) => JSON.parse(stdout) as T);
  result.catch(() => undefined); // whoever waits for it hears of it
  return {
    result,
    end() {
      child.stdin?.end();
      return result;
    },
    [Symbol.dispose]: () => void signalChild(child, "SIGKILL"),
  };
}

async function finish(start: () => ReturnType<typeof spawn>, name: string): Promise<Finished> {
  const startedMs = performance.now();
  const child = start();
  const [stdout, stderr]: [string[], string[]] = [[], []];
  let firstOutputMs: number | undefined;
  const collect = (stream: Readable | null, into: string[]) =>
    stream?.setEncoding("utf8").on("data", (text: string) => {
      firstOutputMs ??= performance.now() - startedMs;
      into.push(text);
    });
  collect(child.stdout, stdout);
  collect(child.stderr, stderr);
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  const wallMs = performance.now() - startedMs;
  if (code !== 0) throw new Error(`${name} ended with ${signal ?? `code ${code}`}: ${stderr.join("").trim().slice(-2000)}`);
  return { stdout: stdout.join(""), wallMs, firstOutputMs };
}
