import { readFile, stat } from "node:fs/promises";
import type { Json } from "#libs/recipes";
import { ModelError } from "./errors.ts";
import { problem } from "./problem.ts";
import { strangeText } from "./strange-format.ts";
import { parseWritten, valueOfWritten } from "./written-json.ts";

/** Larger files are none of a model: the largest index in use has some 60 MB. */
const MOST_BYTES = 256 << 20;

/** A JSON object of a model's folder, or undefined if there is no such file. @throws ModelError if it cannot be read or is none. */
export async function readJsonObject(path: string, name = path): Promise<{ readonly [name: string]: Json } | undefined> {
  return (await readJsonFile(path, name))?.value;
}

/** The same with the text of the file, in which numbers are as somebody wrote them. */
export async function readJsonFile(
  path: string,
  name = path,
): Promise<{ readonly value: { readonly [name: string]: Json }; readonly text: string } | undefined> {
  const read = await readFileOfJson(path, name);
  if (read === undefined) return undefined;
  if (!isObject(read.value)) throw new ModelError("invalid", `${name} is not a JSON object`);
  return { value: read.value, text: read.text };
}

/** Any JSON of a model's folder, or undefined if there is no such file. @throws ModelError if it cannot be read */
export async function readJson(path: string, name = path): Promise<unknown> {
  return (await readFileOfJson(path, name))?.value;
}

async function readFileOfJson(path: string, name: string): Promise<{ readonly value: unknown; readonly text: string } | undefined> {
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
    value = parsed(text);
  } catch (cause) {
    const strange = strangeText(text, path);
    throw new ModelError("invalid", strange === undefined ? `${name} is not JSON: ${(cause as Error).message}` : `${name}: ${strange}`, {
      cause,
    });
  }
  return { value, text };
}

/** Python writes numbers that JSON does not have; the rest is as JSON, and read faster. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    try {
      return valueOfWritten(parseWritten(text));
    } catch {
      throw cause;
    }
  }
}

/** Whether a value of JSON is an object. */
export function isObject(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
