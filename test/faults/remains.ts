import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { isAlive } from "../e2e/processes.ts";

/** The variable by which the processes of a case are known. */
export const MARK = "RATATOUILLE_FAULTS_CASE";

/** Living processes with a mark in their environment or their command, and their commands. Reads /proc. */
export function processesOf(mark: string): string[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const command = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    const marked = command.includes(mark) || read(`/proc/${pid}/environ`).split("\0").includes(`${MARK}=${mark}`);
    return marked && isAlive(pid) ? [`${pid} ${command}`] : [];
  });
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/**
 * What is wrong with the files of a system that has stopped: blobs whose bytes are not those of their name, files half-written or set aside,
 * databases that are damaged, and events that were never published. Empty if nothing is.
 */
export async function wrongFiles(directory: string): Promise<string[]> {
  const wrong: string[] = [];
  const paths = await filesBelow(directory);
  for (const path of paths) {
    const folders = relative(directory, dirname(path)).split(sep);
    if (folders.includes("incoming")) wrong.push(`${path} is left over`);
    if (folders.includes("corrupt")) wrong.push(`${path} was set aside`);
    const isBlob = folders.at(-2) === "sha256" && folders.at(-3) === "blobs";
    if (
      isBlob &&
      createHash("sha256")
        .update(await readFile(path))
        .digest("hex") !== basename(path)
    )
      wrong.push(`${path} has other bytes`);
  }
  return [...wrong, ...(await look(DAMAGE, paths)), ...(await look(UNPUBLISHED, paths))];
}

/** Events that wait in the outboxes of a system, also while it runs. */
export async function unpublishedEvents(directory: string): Promise<string[]> {
  return look(UNPUBLISHED, await filesBelow(directory));
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const DAMAGE = `
    for check in ("integrity_check", "foreign_key_check"):
        for row in db.execute("pragma " + check):
            if row != ("ok",): print(path, check, *row)`;
const UNPUBLISHED = `
    if db.execute("select 1 from sqlite_master where name = 'outbox'").fetchone():
        for id, subject in db.execute("select id, subject from outbox"): print(path, "still has", subject, id)`;

/** Looks into databases from outside the program under test: Python has SQLite. */
async function look(body: string, paths: readonly string[]): Promise<string[]> {
  const databases = paths.filter((path) => path.endsWith(".sqlite") && basename(path) !== "lock.sqlite");
  const program = `import sqlite3, sys\nfor path in sys.argv[1:]:\n    db = sqlite3.connect(path, timeout=10)${body}`;
  const { stdout } = await promisify(execFile)("python3", ["-c", program, ...databases]);
  return stdout.split("\n").filter((line) => line !== "");
}
