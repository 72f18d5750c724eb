import { readFile, rm, writeFile } from "node:fs/promises";
import { isAnotherLiving, thisProcess } from "../engine/owner.ts";
import { AdapterError } from "./errors.ts";

/**
 * Says in a file that this process makes an output, so that no other one writes into the same temporary files. What a process has left that
 * is gone is taken over. Disposing removes the file. @throws AdapterError if another process, or this one, is at it
 */
export async function claim(path: string, output: string): Promise<AsyncDisposable> {
  const text = JSON.stringify(thisProcess());
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const owner = readOwner(await readFile(path, "utf8").catch(() => ""));
    if (owner !== undefined && (owner.pid === process.pid || isAnotherLiving(owner)))
      throw new AdapterError([`${output} is being written by process ${owner.pid}; wait for it, or end it`], "busy");
    await writeFile(path, text);
  }
  return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

function readOwner(text: string): { readonly pid: number; readonly started?: string } | undefined {
  try {
    const owner = JSON.parse(text) as { pid?: unknown; started?: unknown } | null;
    if (typeof owner?.pid !== "number") return undefined;
    return { pid: owner.pid, ...(typeof owner.started === "string" ? { started: owner.started } : {}) };
  } catch {
    return undefined;
  }
}
