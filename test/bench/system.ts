import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalSystem, startLocalSystem } from "../../deploy/local/system.ts";

/** The programs that serve; nats-server and the trainers are not among them. */
export const SERVICES = ["catalog", "finetune", "averaging", "sessions", "evaluation", "recycling", "gateway"] as const;

/** Runs something on a local system of its own, in a fresh directory. */
export async function withSystem<T>({ trainers }: { readonly trainers: number }, work: (system: LocalSystem) => Promise<T>): Promise<T> {
  return withDirectory(async (directory) => {
    await using system = await startLocalSystem({ directory: join(directory, "system"), trainers });
    return await work(system);
  });
}

/** Runs something with a directory that is gone afterwards. */
export async function withDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "ratatouille-bench-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}
