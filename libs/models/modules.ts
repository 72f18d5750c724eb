import { join } from "node:path";
import { ModelError } from "./errors.ts";
import { isObject, readJson } from "./read-json.ts";

/**
 * The folders below a model's that are parts of it, as `modules.json` of sentence-transformers names them: pooling, dense layers with weights
 * of their own. The model itself lies at the top and is not among them.
 * @throws ModelError where one would be outside of the folder
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { temporaryDirectory } from "#libs/testing";
 * await using directory = await temporaryDirectory();
 * await writeFile(directory.join("modules.json"), '[{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Dense"}]');
 * await modulesOf(directory.path); // ["1_Pooling", "2_Dense"]
 * ```
 */
export async function modulesOf(path: string, name = path): Promise<string[]> {
  const modules = await readJson(join(path, "modules.json"), join(name, "modules.json"));
  if (!Array.isArray(modules)) return [];
  const folders = modules.flatMap((module) => (isObject(module) && typeof module["path"] === "string" ? [module["path"]] : []));
  const below = folders.map((folder) => folder.replace(/\/+$/, "")).filter((folder) => folder !== "" && folder !== ".");
  const outside = below.find((folder) => folder.split("/").some((part) => part === "" || part === ".." || part.includes("\0")));
  if (outside === undefined) return [...new Set(below)];
  throw new ModelError("invalid", `${join(name, "modules.json")}: ${JSON.stringify(outside)} is no folder below the model's`);
}
