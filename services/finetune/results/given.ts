import { type Artifacts, blobSource } from "#libs/artifacts";
import { createByteCache } from "#libs/concurrency";
import type { Shard } from "#libs/image-sets";
import { type Descriptor, mediaTypes } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { decodeSplit, type Split } from "#libs/splits";
import { openSafetensors, readAhead, type SafetensorsFile, type SafetensorsHeader } from "#libs/tensors";
import type { ResolvedInput } from "../inputs.ts";
import type { Rows } from "./rows.ts";

/** What results are compared with: the inputs of their recipes. Each is undefined where the recipe has no such input, or one that cannot be read. */
export type Given = {
  /** The header of the model that is the first input of a role. */
  model(role: string): Promise<SafetensorsHeader | undefined>;
  /** What the index that is the input of a role says of its rows; undefined also of a data set that is no index. */
  rows(role: string): Promise<Rows | undefined>;
  split(role: string): Promise<Split | undefined>;
  /** The shards that the index of a role speaks of. */
  shards(role: string): Promise<readonly Shard[]>;
  /** The files of all artifacts of a role. */
  files(role: string): readonly Descriptor[];
};

/** Of headers and columns few bytes are asked for. */
const BLOCK_BYTES = 64 << 10;
/** The jobs of a run have the same inputs. */
const CACHE_BYTES = 32 << 20;

/** Reads inputs of recipes from a catalog, and keeps what it has read lately. */
export function createGiven(artifacts: Pick<Artifacts, "read">): (inputs: readonly ResolvedInput[]) => Given {
  const cache = createByteCache<unknown>(CACHE_BYTES);
  const kept = async <T>(what: string, layer: Descriptor | undefined, read: (layer: Descriptor) => Promise<readonly [T, number]>) => {
    if (!layer) return undefined;
    const key = `${what} ${layer.digest}`;
    const known = cache.get(key) as T | undefined;
    if (known !== undefined) return known;
    try {
      const [value, bytes] = await read(layer);
      cache.set(key, value, bytes);
      return value;
    } catch (error) {
      // Not the fault of who made something of it.
      if (isRpcError(error) && !isRpcError(error, Code.NOT_FOUND)) throw error;
      return undefined;
    }
  };
  const open = (layer: Descriptor) => openSafetensors(readAhead(blobSource(artifacts, layer), BLOCK_BYTES));
  return (inputs) => {
    const files = (role: string) =>
      inputs.filter((input) => input.role === role).flatMap((input) => input.artifacts.flatMap(({ layers }) => layers));
    const layer = (role: string, mediaType: string) => files(role).find((file) => file.mediaType === mediaType);
    const header = (of: Descriptor | undefined) =>
      kept("header", of, async (own) => {
        const read = (await open(own)).header;
        return [read, read.dataOffset];
      });
    return {
      files,
      model: (role) => header(layer(role, mediaTypes.weights)),
      rows: (role) => kept("rows", layer(role, mediaTypes.datasetLayer), async (index) => readRows(await open(index))),
      split: (role) =>
        kept("split", layer(role, mediaTypes.splitLayer), async (split) => {
          const bytes = await blobSource(artifacts, split).read(0, split.size);
          return [await decodeSplit(bytes), split.size];
        }),
      async shards(role) {
        const index = await header(layer(role, mediaTypes.datasetLayer));
        return JSON.parse(index?.metadata.get("shards") ?? "[]") as Shard[];
      },
    };
  };
}

async function readRows(index: SafetensorsFile): Promise<readonly [Rows | undefined, number]> {
  const { tensors, metadata } = index.header;
  const column = async (name: string) => {
    const copy = (await index.read(name)).slice();
    return new Int32Array(copy.buffer);
  };
  const isColumn = (name: string) => tensors.get(name)?.dtype === "I32";
  if (!metadata.has("domains") || !isColumn("domain") || !isColumn("class")) return [undefined, 0];
  const [domain, own] = await Promise.all([column("domain"), column("class")]);
  return [{ domains: JSON.parse(metadata.get("domains")!) as string[], domain, class: own }, 8 * domain.length];
}
