import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Artifacts } from "#libs/artifacts";
import { makeDirectory } from "#libs/files";
import { type Digest, RecipeError } from "#libs/recipes";
import { ArtifactKind } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { BeginAttemptResponse, InputArtifact } from "#proto/ratatouille/v1/finetune_pb.ts";
import type { BlobFiles, BlobName, HeldFile } from "./files/blob-files.ts";
import type { LoadInput } from "./input.ts";

/** A blob of an input, and the name of the file that it is. */
export type InputLayer = BlobName & { readonly mediaType: string; readonly title: string };

/** An input as the catalog has it. */
export type CatalogInput = { readonly digest: Digest; readonly kind: ArtifactKind; readonly layers: readonly InputLayer[] };

/** What a recipe is run with, beside itself: its inputs, in memory or as files, the engine, and a place for what it makes. */
export type Work = {
  /** Brings an input of the digits benchmark into memory. */
  readonly load: LoadInput;
  /** The engine that the job asks for, such as "tfjs-node"; "" where it asks for none. */
  readonly engine: string;
  /** What is in an input. @throws RecipeError */
  input(digest: Digest): CatalogInput;
  /** A small blob, whole. */
  read(blob: BlobName): Promise<Uint8Array>;
  /** A file with a blob's bytes, until it is let go. @throws CacheFullError */
  hold(blob: BlobName): Promise<HeldFile>;
  /** The path of a file to be written, which goes when the work ends. */
  scratch(name: string): Promise<string>;
};

export type WorkDependencies = {
  readonly artifacts: Pick<Artifacts, "download">;
  readonly load: LoadInput;
  readonly files: BlobFiles;
  /** The directory for what is made. */
  readonly madeIn: () => Promise<string>;
};

/** What the recipe of an attempt is run with. Disposing of it lets go of its files. */
export function openWork(
  { job, inputs }: Pick<BeginAttemptResponse, "job" | "inputs">,
  { artifacts, load, files, madeIn }: WorkDependencies,
  signal: AbortSignal,
): Work & AsyncDisposable {
  const resolved = new Map<string, InputArtifact>(inputs.flatMap((input) => input.artifacts.map((one) => [one.digest, one] as const)));
  const stack = new AsyncDisposableStack();
  let own: Promise<string> | undefined;
  async function makeOwn(): Promise<string> {
    const directory = await madeIn();
    await makeDirectory(directory);
    const made = await mkdtemp(join(directory, "job-"));
    stack.defer(() => rm(made, { recursive: true, force: true }));
    return made;
  }
  return {
    load,
    engine: job?.needs?.backend ?? "",
    input(digest) {
      const artifact = resolved.get(digest);
      if (!artifact) throw new RecipeError("inputs", `the service has not said what is in ${digest}`);
      const layers = artifact.layers.map((layer) => ({
        ...{ digest: layer.digest as Digest, bytes: Number(layer.sizeBytes) },
        ...{ mediaType: layer.mediaType, title: layer.title },
      }));
      return { digest, kind: artifact.kind, layers };
    },
    read: ({ digest }) => artifacts.download(digest, { signal }),
    hold: (blob) => files.hold(blob, signal),
    async scratch(name) {
      own ??= makeOwn();
      return join(await own, name);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The work of a recipe whose inputs are in memory: one of the digits benchmark. */
export function workInMemory(load: LoadInput): Work {
  const none = () => Promise.reject(new RangeError("there are no files"));
  return {
    load,
    engine: "",
    input: (digest) => ({ digest, kind: ArtifactKind.UNSPECIFIED, layers: [] }),
    read: none,
    hold: none,
    scratch: none,
  };
}

/** The layer of an input that has to be of a kind. @throws RecipeError naming the role */
export function layerOf({ digest, kind, layers }: CatalogInput, expected: ArtifactKind, mediaType: string, role: string): InputLayer {
  if (kind !== expected) {
    throw new RecipeError(`inputs.${role}`, `expected a ${kindName(expected)}, got a ${kindName(kind)}`);
  }
  const layer = layers.find((one) => one.mediaType === mediaType);
  if (!layer) throw new RecipeError(`inputs.${role}`, `artifact ${digest} has no layer of type ${mediaType}`);
  return layer;
}

/** What people call a kind of artifact. */
export function kindName(kind: ArtifactKind): string {
  const [name] = Object.entries(ArtifactKind).find(([, value]) => value === kind) ?? [String(kind)];
  return name.toLowerCase();
}
