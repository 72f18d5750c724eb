import { type Artifacts, createFoundationFinder, type Foundation } from "#libs/artifacts";
import { createLimit } from "#libs/concurrency";
import { ModelError, type ModelFiles } from "#libs/models";
import { type Digest, layerOf, ManifestError, mediaTypes, type ReadManifest, readManifest } from "#libs/recipes";
import { InvalidAverageError } from "./errors.ts";
import type { Scratch } from "./scratch.ts";

/** A model of the catalog as a file of this machine. */
export type Member = {
  /** Named by its place in the recipe, for example "models[0]". */
  readonly model: ModelFiles;
  /** Digest of its weights. */
  readonly weights: Digest;
  /** What the ModelPack config calls it, for example "mlp". */
  readonly architecture: string;
};

/** Members, whose files stay while this is not disposed. */
export type Members = Disposable & { readonly members: readonly Member[] };

/** Where members are found, and kept as files. */
export type Catalog = {
  readonly artifacts: Artifacts;
  readonly scratch: Scratch;
  /** The foundation models of models that were opened before: they never change. */
  readonly foundations: Map<Digest, { readonly foundation: Foundation | undefined }>;
};

const MOST_FOUNDATIONS = 10_000;
/** Enough at once to hide the round trips. */
const CONCURRENT_OPENS = 16;

/**
 * Fetches models of the catalog and opens them: their manifests, configs, lineages and the headers of their weights.
 * @param places the names of the places in the recipe, as `inputs` have them: "models[0]", "base".
 * Throws InvalidAverageError where one is not a model that can be read, naming its place; RpcError NOT_FOUND, DATA_LOSS, RESOURCE_EXHAUSTED.
 */
export async function openMembers(
  { artifacts, scratch, foundations }: Catalog,
  places: readonly { readonly place: string; readonly digest: Digest }[],
  signal: AbortSignal,
): Promise<Members> {
  using held = new DisposableStack();
  const limit = createLimit(CONCURRENT_OPENS);
  const find = createFoundationFinder(artifacts, signal);
  const foundationOf = async (manifest: ReadManifest) => {
    const known = foundations.get(manifest.digest);
    if (known !== undefined) return known.foundation;
    const foundation = await find(manifest);
    if (foundations.size >= MOST_FOUNDATIONS) foundations.clear();
    foundations.set(manifest.digest, { foundation });
    return foundation;
  };
  const opened = await Promise.allSettled(
    places.map(({ place, digest }) =>
      limit(async (): Promise<Member> => {
        const manifest = await readMember(artifacts, digest, place, signal);
        const layer = wrap(place, () => layerOf(manifest, mediaTypes.weights));
        const [architecture, foundation, file] = await Promise.all([
          readArchitecture(artifacts, manifest, place, signal),
          foundationOf(manifest),
          scratch.fetch(layer, signal).then((fetched) => held.use(fetched)),
        ]);
        const model = await file.open().catch((cause: unknown) => {
          throw cause instanceof ModelError ? unreadable(place, cause) : cause;
        });
        const lineage = foundation && { foundation: foundation.digest, foundationImported: foundation.imported };
        return {
          model: { ...model, name: place, licences: manifest.licences, artifact: digest, ...lineage },
          weights: layer.digest,
          architecture,
        };
      }),
    ),
  );
  const members = opened.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
  const owned = held.move();
  return { members, [Symbol.dispose]: () => owned.dispose() };
}

async function readMember(artifacts: Artifacts, digest: Digest, place: string, signal: AbortSignal): Promise<ReadManifest> {
  const artifact = await artifacts.get(digest, { signal });
  const manifest = wrap(place, () => readManifest(artifact.manifest));
  if (manifest.kind === "model") return manifest;
  throw new InvalidAverageError([{ field: fieldOf(place), description: `is a ${manifest.kind}; it has to be a model` }]);
}

async function readArchitecture(artifacts: Artifacts, manifest: ReadManifest, place: string, signal: AbortSignal): Promise<string> {
  const bytes = await artifacts.download(manifest.config.digest, { signal });
  return wrap(place, () => {
    const config: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const architecture = (config as { config?: { architecture?: unknown } } | null)?.config?.architecture;
    if (typeof architecture !== "string") throw new ManifestError(`the config of ${manifest.digest} names no architecture`);
    return architecture;
  });
}

function wrap<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ManifestError || cause instanceof SyntaxError) throw unreadable(place, cause);
    throw cause;
  }
}

function unreadable(place: string, cause: Error): InvalidAverageError {
  // Where the file lies is nothing to the caller.
  const why = cause.message.replace(/^\S*\/\S*: /, "");
  return new InvalidAverageError([{ field: fieldOf(place), description: `cannot be read: ${why}` }], { cause });
}

function fieldOf(place: string): string {
  return `recipe.inputs.${place}`;
}
