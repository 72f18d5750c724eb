import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../e2e/cli.ts";

/** Test files below some paths of the checkout, in order; below all folders that have tests if there are none. */
export async function testFiles(paths: readonly string[]): Promise<string[]> {
  const wanted = paths.length > 0 ? paths.map((path) => path.replace(/^\.\//, "").replace(/\/+$/, "")) : ["libs", "services", "test"];
  const all = await Promise.all(["libs", "services", "test"].map((folder) => below(folder)));
  return all
    .flat()
    .filter((file) => wanted.some((path) => file === path || file.startsWith(`${path}/`)))
    .sort();
}

async function below(folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { recursive: true });
  return entries.filter((name) => name.endsWith(".test.ts")).map((name) => join(folder, name));
}

/** Tests that run programs from outside, whose runtime does not matter to what they show; and of the command line all but these. */
const sameEverywhere = [
  ...["api-page", "bench", "conformance", "e2e", "launcher", "lint", "package", "runtimes"].map((folder) => `test/${folder}/`),
  "libs/pytorch/",
];
const endToEnd = ["main-path", "trainers", "jobs"].map((name) => `test/e2e/${name}.test.ts`);

/** Whether a file touches a runtime: sockets, files, threads, processes, arithmetic; and a run end to end. */
export function isRuntimeMatter(file: string): boolean {
  return endToEnd.includes(file) || !sameEverywhere.some((folder) => file.startsWith(folder));
}
