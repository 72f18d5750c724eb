import { readFileSync } from "node:fs";
import type { Runner } from "../types.ts";

/** A module for the tests of threads: cannot be set up before there is a file, whose text goes before every unit. */
export function setup(file: string): Runner<string, string> {
  const text = readFileSync(file, "utf8");
  return { run: (unit) => `${text} ${unit}`, close() {} };
}
