import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { userCache } from "#libs/files";

/** Peers that stand in merge-peers.txt, session-peers.txt or vision-peers.txt, with every version pinned. */
export type PeerSet = "merge" | "session" | "vision";

const run = promisify(execFile);
const UV = "uv==0.13.9";
const MINUTES = 60_000;

/**
 * The folder with the programs of the peers, among them python: a virtual environment in the user's cache, installed the first time
 * (PyTorch with all it brings takes 7 GB). Throws an Error that says what is missing.
 */
export async function installPeers(set: PeerSet, say: (line: string) => void): Promise<string> {
  const list = fileURLToPath(new URL(`${set}-peers.txt`, import.meta.url));
  const digest = createHash("sha256")
    .update(await readFile(list))
    .digest("hex");
  const folder = join(userCache("bench"), `${set}-peers-${digest.slice(0, 12)}`);
  const bin = join(folder, "bin");
  const ready = join(folder, "ready");
  if (await exists(ready)) return bin;
  say(`installing the ${set} peers into ${folder} (once)`);
  // What a run left that was stopped in the middle.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    await run("python3", ["-m", "venv", folder], { timeout: 5 * MINUTES });
    await run(join(bin, "pip"), ["install", "--quiet", UV], { timeout: 5 * MINUTES });
    const python = join(bin, "python");
    await run(join(bin, "uv"), ["pip", "install", "--quiet", "--compile-bytecode", "--python", python, "-r", list], {
      timeout: 30 * MINUTES,
    });
  } catch (cause) {
    const advice = "it takes python3 (3.11 or later) with venv, and PyPI or a mirror of it as pip is set up";
    throw new Error(`the peers of ${list} could not be installed: ${(cause as Error).message.trim()}; ${advice}`, { cause });
  }
  await writeFile(ready, `${list}\n`);
  return bin;
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
