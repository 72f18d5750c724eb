import { spawn } from "node:child_process";
import { once } from "node:events";

const sources = new URL("../../../clients/python/src", import.meta.url).pathname;

/** Starts the PyTorch trainer of this repository in a Python that has what it needs. It is asked to end when it is disposed of. */
export function startTorch(python: string, server: string, env: Readonly<Record<string, string>>, options: readonly string[] = []) {
  const args = ["-m", "ratatouille.trainer.main", "torch", "--server", server, ...options];
  const child = spawn(python, args, { env: { ...process.env, PYTHONPATH: sources, ...env }, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const ended = once(child, "exit");
  const failed = ended.then(([code]) => Promise.reject<never>(new Error(`the PyTorch trainer ended with ${code}: ${said}`)));
  failed.catch(() => undefined); // it ends when it is asked to, too
  return {
    /** Fails once the trainer has ended, with its last words. */
    failed,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
