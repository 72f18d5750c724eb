import { readFile, stat } from "node:fs/promises";
import type { Json } from "#libs/recipes";
import { ModelError } from "./errors.ts";
import { problem } from "./weights-file.ts";

/** Larger files are none of a model: the largest index in use has some 60 MB. */
const MOST_BYTES = 256 << 20;

/** A JSON object of a model's folder, or undefined if there is no such file. @throws ModelError if it cannot be read or is none. */
export async function readJsonObject(path: string, name = path): Promise<{ readonly [name: string]: Json } | undefined> {
  let text: string;
  try {
    const found = await stat(path);
    // Opening a pipe would wait for whoever writes to it.
    if (!found.isFile()) throw new Error(found.isDirectory() ? "it is a directory" : "it is not a file");
    if (found.size > MOST_BYTES) throw new Error(`it has ${found.size} bytes, and ${MOST_BYTES} are the limit`);
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new ModelError("missing", `cannot read ${name}: ${problem(cause)}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ModelError("invalid", `${name} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isObject(value)) throw new ModelError("invalid", `${name} is not a JSON object`);
  return value;
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
