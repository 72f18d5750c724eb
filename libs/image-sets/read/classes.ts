import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { didYouMean, quote } from "#libs/text";
import { ImageSetError } from "../errors.ts";
import type { Findings } from "./findings.ts";

/** A list of all classes beside the domains, one a line. */
export const CLASSES_FILE = "classes.txt";

/** All classes that there are, in their order; undefined where nobody says. */
export type Classes = readonly string[] | undefined;

/** The classes that a folder's `classes.txt` lists. @throws ImageSetError for one that is listed twice */
export async function declaredClasses(root: string, files: readonly string[]): Promise<Classes> {
  if (!files.includes(CLASSES_FILE)) return undefined;
  const path = join(root, CLASSES_FILE);
  const text = await readFile(path, "utf8");
  const classes = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const twice = classes.find((name, i) => classes.indexOf(name) !== i);
  if (twice !== undefined) throw new ImageSetError(`${path} lists the class ${quote(twice)} twice: expected each class in one line`);
  return classes;
}

/** Whether there is such a class; tells where there is not. @param where what names the class */
export function isKnownClass(name: string, classes: Classes, where: string, findings: Findings): boolean {
  if (classes === undefined || classes.includes(name)) return true;
  const hint = didYouMean(
    name,
    classes,
    `there are ${classes.length}: ${classes.slice(0, 5).join(", ")}${classes.length > 5 ? ", …" : ""}`,
  );
  findings.report("error", "unknown-class", `${where}: there is no class ${quote(name)}; ${hint}`);
  return false;
}
