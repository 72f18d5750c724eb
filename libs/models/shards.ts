import { ModelError } from "./errors.ts";
import { isObject, readJsonObject } from "./read-json.ts";
import type { WeightsFile } from "./types.ts";

/** How the name of an index of shards ends. */
export const INDEX_SUFFIX = ".safetensors.index.json";

/** Reads an index of shards: the file of each tensor. @throws ModelError unless each is a plain file name. */
export async function readIndex(path: string, name: string): Promise<ReadonlyMap<string, string>> {
  const index = await readJsonObject(path, name);
  if (index === undefined) throw new ModelError("missing", `cannot read ${name}: it does not exist`);
  const map = index["weight_map"];
  if (!isObject(map)) throw new ModelError("invalid", `${name}: weight_map is missing, which says in which file each tensor is`);
  const places = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== "string" || !/^[^/\\\0]+\.safetensors$/.test(file) || file.startsWith(".."))
      throw new ModelError(
        "invalid",
        `${name}: weight_map[${JSON.stringify(tensor)}] is ${JSON.stringify(file)}, expected the name of a safetensors file`,
      );
    places.set(tensor, file);
  }
  if (places.size === 0) throw new ModelError("invalid", `${name}: weight_map is empty`);
  return places;
}

/** Index and shards must say the same: each tensor once, and where the index has it. @throws ModelError with the first that is not so. */
export function checkIndex(
  name: string,
  index: string,
  places: ReadonlyMap<string, string>,
  shards: readonly string[],
  files: readonly WeightsFile[],
): void {
  const found = new Map<string, string>();
  for (const [i, { header }] of files.entries()) {
    const shard = shards[i]!;
    for (const tensor of header.tensors.keys()) {
      const label = `${name}: tensor ${JSON.stringify(tensor)}`;
      const other = found.get(tensor);
      if (other !== undefined) throw new ModelError("invalid", `${label} is in two shards, ${other} and ${shard}`);
      found.set(tensor, shard);
      const place = places.get(tensor);
      if (place === undefined) throw new ModelError("invalid", `${label} is in ${shard}, but not in ${index}`);
    }
  }
  for (const [tensor, shard] of places) {
    const actual = found.get(tensor);
    if (actual === shard) continue;
    const where = actual === undefined ? "in no shard" : `in ${actual}`;
    throw new ModelError("invalid", `${name}: tensor ${JSON.stringify(tensor)} should be in ${shard} as ${index} says, but is ${where}`);
  }
}
