import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./run.ts";

/** Where sources load functions from, and where the package has them. */
const LOADED = "@stdlib/math-base-special-";
const HOME = "libs/deterministic";

/**
 * Puts the functions of @stdlib that `libs/deterministic` loads into the package, each as one file: a dozen functions of 250 kB would
 * otherwise be 120 packages of 18 MB. Their notices go along.
 * @returns the files, relative to the package
 */
export async function inlineFunctions(root: string, folder: string, dependencies: readonly string[]): Promise<string[]> {
  const names = dependencies.filter((name) => name.startsWith(LOADED)).map((name) => name.slice(LOADED.length));
  const module = join(folder, HOME, "functions.js");
  const source = await readFile(module, "utf8");
  if (!source.includes(`\`${LOADED}\${`)) throw new Error(`${HOME}/functions.ts loads nothing from ${LOADED}`);
  const target = join(folder, HOME, "stdlib");
  await mkdir(target, { recursive: true });
  for (const name of names) {
    const entry = join(root, "node_modules", `${LOADED}${name}`, "lib/index.js");
    const out = join(target, `${name}.cjs`);
    await run(join(root, "node_modules/.bin/bun"), ["build", entry, "--target=node", "--format=cjs", `--outfile=${out}`], root);
  }
  await writeFile(module, source.replaceAll(`\`${LOADED}\${name}\``, `\`./stdlib/\${name}.cjs\``));
  await writeFile(join(target, "NOTICE"), await noticesOf(join(root, "node_modules/@stdlib")));
  return [...names.map((name) => `${HOME}/stdlib/${name}.cjs`), `${HOME}/stdlib/NOTICE`];
}

/** The licence of @stdlib, and what its sources say of the code that they were made from. */
async function noticesOf(home: string): Promise<string> {
  const sources = globSync("*/lib/*.js", { cwd: home }).sort();
  const texts = await Promise.all(sources.map((path) => readFile(join(home, path), "utf8")));
  const notices = texts.flatMap((text) => {
    const [, notice] = /\* ## Notice\s*\n([\s\S]*?)\*\//.exec(text) ?? [];
    return notice === undefined ? [] : [notice.replace(/^\* ?/gm, "").trim()];
  });
  const licence = "These files are built of packages of @stdlib, https://stdlib.io, Copyright (c) The Stdlib Authors, Apache-2.0.";
  return `${[licence, ...new Set(notices)].join("\n\n")}\n`;
}
