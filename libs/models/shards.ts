import { ModelError } from "./errors.ts";
import { isObject, readJsonObject } from "./read-json.ts";
import type { WeightsFile } from "./types.ts";

/** How the name of an index of shards ends. */
export const INDEX_SUFFIX = ".safetensors.index.json";

/** The same of shards that PyTorch has written. */
const TORCH_INDEX_SUFFIX = ".bin.index.json";

/** Whether a file is an index of shards, by its name. */
export function isIndex(name: string): boolean {
  return name.endsWith(INDEX_SUFFIX) || name.endsWith(TORCH_INDEX_SUFFIX);
}

/** Reads an index of shards: the file of each tensor. @throws ModelError unless each is a plain file name. */
export async function readIndex(path: string, name: string): Promise<ReadonlyMap<string, string>> {
  const index = await readJsonObject(path, name);
  if (index === undefined) throw new ModelError("missing", `cannot read ${name}: it does not exist`);
  const map = index["weight_map"];
  if (!isObject(map)) throw new ModelError("invalid", `${name}: weight_map is missing, which says in which file each tensor is`);
  const ending = path.endsWith(TORCH_INDEX_SUFFIX) ? "bin" : "safetensors";
  const places = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== "string" || !isBelow(file, ending))
      throw new ModelError(
        "invalid",
        `${name}: weight_map[${JSON.stringify(tensor)}] is ${JSON.stringify(file)}, expected the name of a ${ending} file in the folder`,
      );
    places.set(tensor, file);
  }
  if (places.size === 0) throw new ModelError("invalid", `${name}: weight_map is empty`);
  return places;
}

/** Whether a name is that of a file in the folder, or in one below it. */
function isBelow(file: string, ending: string): boolean {
  return /^[^\\\0]+$/.test(file) && file.endsWith(`.${ending}`) && file.split("/").every((part) => part !== "" && !part.startsWith(".."));
}

/**
 * What the index says counts: each of its tensors has to be where it says. @throws ModelError with the first that is not
 * @returns tensors that are stored and that the index does not have there, which loaders do not read
 */
export function checkIndex(
  name: string,
  index: string,
  places: ReadonlyMap<string, string>,
  shards: readonly string[],
  files: readonly WeightsFile[],
): { readonly file: number; readonly tensor: string }[] {
  const found = new Map<string, string>();
  const left: { file: number; tensor: string }[] = [];
  for (const [file, { header }] of files.entries()) {
    for (const tensor of header.tensors.keys()) {
      if (places.get(tensor) !== shards[file]) left.push({ file, tensor });
      if (places.get(tensor) === shards[file] || !found.has(tensor)) found.set(tensor, shards[file]!);
    }
  }
  for (const [tensor, shard] of places) {
    const actual = found.get(tensor);
    if (actual === shard) continue;
    const where = actual === undefined ? "in no shard" : `in ${actual}`;
    throw new ModelError("invalid", `${name}: tensor ${JSON.stringify(tensor)} should be in ${shard} as ${index} says, but is ${where}`);
  }
  return left;
}
