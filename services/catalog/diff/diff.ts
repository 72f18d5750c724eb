import type { MessageInitShape } from "@bufbuild/protobuf";
import { createLimit } from "#libs/concurrency";
import { measurePair, type TensorPair } from "#libs/merging";
import { type ModelFiles, openModel } from "#libs/models";
import { layerOf, mediaTypes, readManifest } from "#libs/recipes";
import { invalidField } from "#libs/rpc";
import type { BlobStore } from "#libs/storage";
import type { DiffArtifactsResponseSchema, TensorDifferenceSchema } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { ArtifactRecord, Artifacts } from "../artifacts.ts";
import type { Blobs } from "../blobs.ts";
import { type MetricValue, metricsOf } from "../metric-values.ts";
import type { CatalogDatabase } from "../store/tables.ts";
import { recipeDifferences } from "./recipe-differences.ts";

type Event = NonNullable<MessageInitShape<typeof DiffArtifactsResponseSchema>["event"]>;
type Model = Pick<ModelFiles, "tensors">;

export type DiffDependencies = {
  readonly database: CatalogDatabase;
  readonly artifacts: Artifacts;
  readonly store: BlobStore;
  readonly blobs: Blobs;
};

/** Weights of so many pairs are read at once; others wait. */
const comparing = createLimit(2);

/** The differences of two artifacts; see DiffArtifacts. CatalogError as Artifacts.named and Blobs.open have them. */
export async function* diff(
  { database, artifacts, store, blobs }: DiffDependencies,
  { from, to, tensors, signal }: { from: string; to: string; tensors: boolean; signal: AbortSignal },
): AsyncGenerator<Event, void, undefined> {
  const pair = [await artifacts.named(from), await artifacts.named(to)] as const;
  const [before, after] = [readManifest(pair[0].manifest), readManifest(pair[1].manifest)];
  if (tensors && (before.kind !== "model" || after.kind !== "model"))
    throw invalidField("tensors", `${before.kind === "model" ? "to" : "from"} is no model, so that it has no weights to compare`);
  yield { case: "artifacts", value: { from: before.digest, to: after.digest } };
  for (const { path, from = "", to = "" } of recipeDifferences(before.recipe, after.recipe))
    yield { case: "recipe", value: { path, from, to } };
  const metrics = await metricsOf(
    database,
    pair.map(({ sequence }) => sequence),
  );
  for (const value of metricDifferences(metrics.get(pair[0].sequence) ?? [], metrics.get(pair[1].sequence) ?? []))
    yield { case: "metric", value };
  if (!tensors) return;

  const open = async ({ manifest }: ArtifactRecord) => {
    const { digest } = layerOf(readManifest(manifest), mediaTypes.weights);
    // Verified: what is measured has to be what the digest names.
    await using _verified = await blobs.open(digest, signal);
    return openModel(store.path(digest), digest);
  };
  const [a, b] = [await open(pair[0]), await open(pair[1])];
  const measured = yield* measure(a, b, signal);
  for (const name of new Set([...a.tensors.keys(), ...b.tensors.keys()]))
    yield { case: "tensor", value: tensorDifference(name, a, b, measured.get(name)) };
}

/** Says how far it is, and returns the pairs by name. */
async function* measure(
  a: ModelFiles,
  b: ModelFiles,
  signal: AbortSignal,
): AsyncGenerator<Event, ReadonlyMap<string, TensorPair>, undefined> {
  let progress: { readBytes: number; totalBytes: number } | undefined;
  let wake = Promise.withResolvers<void>();
  const work = comparing(() =>
    measurePair(a, b, {
      signal,
      onProgress(now) {
        progress = now;
        wake.resolve();
      },
    }),
  );
  const done = work.then(
    () => true,
    () => true,
  );
  while (!(await Promise.race([done, wake.promise.then(() => false)]))) {
    wake = Promise.withResolvers();
    if (progress)
      yield {
        case: "progress",
        value: { readBytes: BigInt(Math.floor(progress.readBytes)), totalBytes: BigInt(Math.floor(progress.totalBytes)) },
      };
  }
  return new Map((await work).map((pair) => [pair.name, pair]));
}

function metricDifferences(from: readonly MetricValue[], to: readonly MetricValue[]) {
  const [before, after] = [from, to].map((metrics) => new Map(metrics.map(({ name, value }) => [name, value])));
  const names = [...new Set([...before!.keys(), ...after!.keys()])].sort();
  return names.map((name) => {
    const [a, b] = [before!.get(name), after!.get(name)];
    return { name, ...(a === undefined ? {} : { from: a }), ...(b === undefined ? {} : { to: b }) };
  });
}

function tensorDifference(name: string, a: Model, b: Model, pair: TensorPair | undefined): MessageInitShape<typeof TensorDifferenceSchema> {
  const [from, to] = [a.tensors.get(name), b.tensors.get(name)];
  return {
    name,
    fromDtype: from?.dtype ?? "",
    toDtype: to?.dtype ?? "",
    fromShape: (from?.shape ?? []).map(BigInt),
    toShape: (to?.shape ?? []).map(BigInt),
    ...(pair === undefined
      ? {}
      : {
          norms: {
            ...{ from: pair.from, to: pair.to, difference: pair.difference, cosine: pair.cosine },
            count: BigInt(pair.count),
            notFinite: BigInt(pair.notFinite),
          },
        }),
  };
}
