import type { Artifacts } from "#libs/artifacts";
import { type Digest, layerOf, ManifestError, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";
import { openSafetensors, SafetensorsError, type SafetensorsFile } from "#libs/tensors";
import { InvalidAverageError } from "./errors.ts";
import { readAhead } from "./read-ahead.ts";

/** A model of the catalog, its weights open for reading. */
export type Member = {
  readonly weights: SafetensorsFile;
  readonly licences: readonly string[];
  /** What the ModelPack config calls it, for example "mlp". */
  readonly architecture: string;
};

// Manifests, configs and headers are small: enough at once to hide the round trips.
const CONCURRENT_OPENS = 16;

/**
 * Opens models of the catalog: reads their manifests, their configs and the headers of their weights, none of the weights.
 * Throws InvalidAverageError where one is not a model that can be read, naming its place; RpcError NOT_FOUND, DATA_LOSS.
 */
export async function openMembers(
  artifacts: Artifacts,
  digests: readonly Digest[],
  options: { readonly blockBytes: number; readonly signal: AbortSignal },
): Promise<Member[]> {
  const members: Member[] = [];
  for (let first = 0; first < digests.length; first += CONCURRENT_OPENS) {
    const group = digests.slice(first, first + CONCURRENT_OPENS);
    members.push(
      ...(await Promise.all(group.map((digest, i) => openMember(artifacts, digest, `recipe.inputs.models[${first + i}]`, options)))),
    );
  }
  return members;
}

async function openMember(
  artifacts: Artifacts,
  digest: Digest,
  field: string,
  { blockBytes, signal }: { readonly blockBytes: number; readonly signal: AbortSignal },
): Promise<Member> {
  const artifact = await artifacts.get(digest, { signal });
  try {
    const manifest = readManifest(artifact.manifest);
    if (manifest.kind !== "model") throw new InvalidAverageError([{ field, description: `is a ${manifest.kind}; it has to be a model` }]);
    const layer = layerOf(manifest, mediaTypes.weights);
    const source = {
      size: layer.size,
      read: (offset: number, length: number) => readExactly(artifacts, layer.digest, offset, length, signal),
    };
    const weights = await openSafetensors(readAhead(source, blockBytes));
    return { weights, licences: manifest.licences, architecture: await readArchitecture(artifacts, manifest, signal) };
  } catch (cause) {
    const unreadable = cause instanceof SafetensorsError || cause instanceof ManifestError || cause instanceof SyntaxError;
    if (!unreadable) throw cause;
    throw new InvalidAverageError([{ field, description: `cannot be read: ${cause.message}` }], { cause });
  }
}

async function readExactly(artifacts: Artifacts, digest: Digest, offset: number, length: number, signal: AbortSignal): Promise<Uint8Array> {
  const bytes = await artifacts.read(digest, { offset, length }, { signal });
  if (bytes.length !== length) throw new SafetensorsError("data-past-end", `blob ${digest} ends before byte ${offset + length}`);
  return bytes;
}

async function readArchitecture(artifacts: Artifacts, manifest: ReadManifest, signal: AbortSignal): Promise<string> {
  const bytes = await artifacts.download(manifest.config.digest, { signal });
  const config: unknown = JSON.parse(new TextDecoder().decode(bytes));
  const architecture = (config as { config?: { architecture?: unknown } } | null)?.config?.architecture;
  if (typeof architecture !== "string") throw new ManifestError(`the config of ${manifest.digest} names no architecture`);
  return architecture;
}
