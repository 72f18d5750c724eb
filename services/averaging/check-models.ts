import type { Artifacts } from "#libs/artifacts";
import { createLimit } from "#libs/concurrency";
import type { StreamedModel } from "#libs/merging";
import { type Digest, inputsOf, isDigest, layerOf, ManifestError, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";
import { openSafetensors, SafetensorsError } from "#libs/tensors";
import { InvalidAverageError, type Violation } from "./errors.ts";
import { readAhead } from "./read-ahead.ts";

// Manifests, configs and headers are small: enough at once to hide the round trips.
const CONCURRENT_OPENS = 16;
/** A lineage that is longer is not followed to its end. */
const MOST_ANCESTORS = 10_000;

/**
 * Opens models of the catalog to be checked: manifests, configs, lineages and the headers of their weights; none of the weights.
 * Throws InvalidAverageError naming every field that is no model that can be read; RpcError DATA_LOSS.
 */
export async function openChecked(
  artifacts: Artifacts,
  fields: readonly { readonly field: string; readonly digest: string }[],
  options: { readonly blockBytes: number; readonly signal: AbortSignal },
): Promise<StreamedModel[]> {
  const violations: Violation[] = [];
  const limit = createLimit(CONCURRENT_OPENS);
  const foundations = foundationFinder(artifacts, options.signal);
  const opened = await Promise.all(
    fields.map(({ field, digest }) =>
      limit(async () => {
        try {
          return await openOne(artifacts, digest, foundations, options);
        } catch (error) {
          violations.push({ field, description: refusal(error) });
          return undefined;
        }
      }),
    ),
  );
  const order = fields.map(({ field }) => field);
  if (violations.length > 0) throw new InvalidAverageError(violations.sort((a, b) => order.indexOf(a.field) - order.indexOf(b.field)));
  return opened.filter((model) => model !== undefined);
}

async function openOne(
  artifacts: Artifacts,
  digest: string,
  foundationOf: (manifest: ReadManifest) => Promise<Digest | undefined>,
  { blockBytes, signal }: { readonly blockBytes: number; readonly signal: AbortSignal },
): Promise<StreamedModel> {
  if (!isDigest(digest)) throw new ManifestError("is no digest: sha256: and 64 hexadecimal digits");
  const manifest = readManifest((await artifacts.get(digest, { signal })).manifest);
  if (manifest.kind !== "model") throw new ManifestError(`is a ${manifest.kind}; it has to be a model`);
  const layer = layerOf(manifest, mediaTypes.weights);
  const read = async (offset: number, length: number) => {
    const bytes = await artifacts.read(layer.digest, { offset, length }, { signal });
    if (bytes.length !== length) throw new SafetensorsError("data-past-end", `blob ${layer.digest} ends before byte ${offset + length}`);
    return bytes;
  };
  const file = await openSafetensors(readAhead({ size: layer.size, read }, blockBytes));
  const { dataOffset, tensors } = file.header;
  const config = JSON.parse(new TextDecoder().decode(await artifacts.download(manifest.config.digest, { signal })));
  const architecture: unknown = config?.config?.architecture;
  return {
    name: digest,
    artifact: digest,
    tensors: new Map(
      [...tensors].map(([name, { dtype, shape, begin, end }]) => [
        name,
        { file: 0, dtype, shape, offset: dataOffset + begin, length: end - begin },
      ]),
    ),
    config: typeof architecture === "string" ? { architecture } : undefined,
    licences: manifest.licences,
    foundation: await foundationOf(manifest),
    read: file.read,
  };
}

/** What a violation says of an error that is the caller's. Other errors go on. */
function refusal(error: unknown): string {
  if (isRpcError(error, Code.NOT_FOUND)) return "is not in the catalog";
  if (error instanceof SafetensorsError || error instanceof ManifestError || error instanceof SyntaxError) return error.message;
  throw error;
}

/**
 * The foundation model that a model comes from, by its recipe: a training's featurizer, or what all members of an average come from;
 * undefined if those are several, or if it was imported. Each ancestor is looked up once.
 */
export function foundationFinder(artifacts: Artifacts, signal: AbortSignal): (manifest: ReadManifest) => Promise<Digest | undefined> {
  const known = new Map<Digest, Promise<Digest | undefined>>();
  async function find({ recipe, digest }: ReadManifest): Promise<Digest | undefined> {
    const role = { average: "models", probe: "featurizer", "fine-tune": "featurizer" }[recipe.kind as string];
    // What was imported says itself where it comes from, or nobody knows.
    if (recipe.kind === "import") return undefined;
    if (role === undefined) return digest;
    const found = new Set<Digest | undefined>();
    for (const parent of new Set(inputsOf(recipe, role))) found.add(await lookUp(parent));
    return found.size === 1 ? [...found][0] : undefined;
  }
  function lookUp(digest: Digest): Promise<Digest | undefined> {
    const before = known.get(digest);
    if (before !== undefined) return before;
    if (known.size >= MOST_ANCESTORS) return Promise.resolve(undefined);
    const looked = artifacts.get(digest, { signal }).then(({ manifest }) => find(readManifest(manifest)));
    known.set(digest, looked);
    return looked;
  }
  return find;
}
