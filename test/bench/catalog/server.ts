import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { signalChild, spawnScript } from "#libs/service";
import { ROOT } from "../child.ts";

/** A server in a process of its own; killed when disposed. */
export type BenchServer = Disposable & {
  readonly address: string;
  readonly pid: number | undefined;
  /** From the start of the process until it could be called. */
  readonly startMs: number;
};

/** Starts server-process.ts; its arguments are described there. */
export async function startServer(...args: readonly string[]): Promise<BenchServer> {
  const startedMs = performance.now();
  const path = fileURLToPath(new URL("server-process.ts", import.meta.url));
  const child = spawnScript(path, args, { cwd: ROOT, stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close").then(() => {
    throw new Error("the server of the benchmark ended");
  });
  ended.catch(() => undefined);
  const [line] = (await Promise.race([once(createInterface(child.stdout!), "line"), ended])) as [string];
  const { address } = JSON.parse(line) as { address: string };
  return { address, pid: child.pid, startMs: performance.now() - startedMs, [Symbol.dispose]: () => void signalChild(child, "SIGKILL") };
}
