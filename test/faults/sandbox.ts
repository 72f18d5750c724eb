import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { MARK } from "./remains.ts";

/** Where a system of a case keeps what it has, and how its processes and temporary files are known. */
export type Sandbox = {
  readonly data: string;
  readonly temporary: string;
  readonly mark: string;
  /** The environment of all its processes. */
  readonly env: Readonly<Record<string, string>>;
};

/** Makes the directories of a system below one that is the case's own. */
export async function makeSandbox(directory: string, name = "system"): Promise<Sandbox> {
  const [data, temporary, mark] = [join(directory, name, "data"), join(directory, name, "tmp"), join(directory, name)];
  for (const path of [data, temporary]) await mkdir(path, { recursive: true });
  return { data, temporary, mark, env: { TMPDIR: temporary, [MARK]: mark } };
}
