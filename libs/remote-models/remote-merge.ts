import { mkdir, open, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { digestOfFile, publishFiles } from "#libs/files";
import type { MergeOutcome, MergeRunOptions, PreparedMerge } from "#libs/merged-models";
import type { MergeRequest, OutputFile } from "#libs/merging";
import type { ModelFiles } from "#libs/models";
import { canonicalRecipe, type Digest, type Json, layerOf, mediaTypes, type Recipe, readManifest } from "#libs/recipes";
import type { RpcChannel } from "#libs/rpc";
import { UsageError } from "#libs/service/process";
import { fileSource, openSafetensors, parseSafetensorsHeader, type SafetensorsFile } from "#libs/tensors";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { importModel } from "./import-model.ts";

/** What a server is asked for. */
export type RemoteRequest = {
  readonly request: MergeRequest;
  /** As in the recipe. */
  readonly parameters: { readonly [name: string]: Json };
  readonly allowUnrelated: boolean;
};

/** A server may be silent for as long as it fetches large models. */
const IDLE_TIMEOUT_MS = 600_000;
const CHUNK_BYTES = 1 << 20;

/**
 * The same merge, run by a server: models of this machine are imported into its catalog, the recipe is run there, and the result is
 * fetched and checked. The bytes are those of the merge run here.
 * @throws UsageError for what servers do not do
 */
export function remoteMerge(merge: PreparedMerge, asked: RemoteRequest, open: () => Promise<RpcChannel>): PreparedMerge {
  const { request } = asked;
  const all = [...request.models, ...(request.statistics ?? []), ...(request.base ? [request.base] : [])];
  const adapter = all.find(({ kind }) => kind === "adapter");
  if (adapter) throw new UsageError(`${adapter.name} is an adapter: servers do not average these; leave --server out`);
  const parts = all.find(({ folders = [] }) => folders.length > 0);
  if (parts) throw new UsageError(`${parts.name} has weights in ${parts.folders![0]}/ too, which servers do not take: leave --server out`);
  const sharded = all.find(({ files }) => files.length > 1);
  // Random numbers are a function of the weights' digests, and shards get another one as one file.
  if (sharded && merge.seed !== undefined)
    throw new UsageError(
      `${sharded.name} has several files, and ${request.method} draws random numbers: leave --server out, or give it as one file`,
    );
  return {
    ...merge,
    resumes: false,
    async run(options) {
      return run(merge, asked, await open(), options);
    },
  };
}

async function run(
  merge: PreparedMerge,
  { request, parameters, allowUnrelated }: RemoteRequest,
  channel: RpcChannel,
  options: MergeRunOptions,
): Promise<MergeOutcome> {
  const { signal, onProgress } = options;
  const artifacts = createArtifacts(channel);
  const { models, digests, base, baseDigest, statistics = [], statisticsDigests = [] } = request;
  let sentBytes = 0;
  const totalBytes = merge.inputs.reduce((sum, { size }) => sum + size, 0);
  const onSent = (bytes: number) => {
    sentBytes += bytes;
    onProgress({ readBytes: Math.min(sentBytes, totalBytes), totalBytes, pass: 1, passes: 2 });
  };
  const put = (model: ModelFiles, digest: Digest) => importModel(model, digest, artifacts, { signal, onSent });
  const putAll = async (some: readonly ModelFiles[], all: readonly Digest[]) => {
    const found: Digest[] = [];
    for (const [i, model] of some.entries()) found.push(await put(model, all[i]!));
    return found;
  };
  const recipe: Recipe = {
    kind: "average",
    inputs: {
      models: await putAll(models, digests),
      ...(base && baseDigest ? { base: await put(base, baseDigest) } : {}),
      ...(statistics.length > 0 ? { statistics: await putAll(statistics, statisticsDigests) } : {}),
    },
    parameters,
    ...(merge.seed === undefined ? {} : { seed: merge.seed }),
    arithmetic: merge.arithmetic,
  };
  const { artifact, readBytes } = await averaged(channel, recipe, allowUnrelated, options);
  return { files: await fetchResult(artifact, artifacts, merge, options), readBytes, resumed: false, redone: 0 };
}

async function averaged(
  channel: RpcChannel,
  recipe: Recipe,
  allowUnrelated: boolean,
  { signal, onProgress }: MergeRunOptions,
): Promise<{ artifact: Artifact; readBytes: number }> {
  const call = { signal, timeoutMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS };
  let readBytes = 0;
  for await (const { event } of channel.client(AveragingService).average({ recipe: canonicalRecipe(recipe), allowUnrelated }, call)) {
    if (event.case === "artifact") return { artifact: event.value, readBytes };
    if (event.case !== "progress") continue;
    readBytes = Number(event.value.readBytes);
    onProgress({ readBytes, totalBytes: Number(event.value.totalBytes), pass: 2, passes: 2 });
  }
  throw new Error("the server ended the average without a model");
}

/** Writes the files of the output from the one that the server has made. They appear when they are whole. */
async function fetchResult(
  artifact: Artifact,
  artifacts: Artifacts,
  { key, outputs }: PreparedMerge,
  options: MergeRunOptions,
): Promise<MergeOutcome["files"]> {
  const { directory, signal, fsync, force } = options;
  const weights = layerOf(readManifest(artifact.manifest), mediaTypes.weights);
  await mkdir(directory, { recursive: true });
  // Named as those of a merge run here, so that the same command finds what a kill has left.
  const temporary = (name: string) => join(directory, `.${name}.${key.slice(0, 12)}.partial`);
  const whole = temporary("fetched");
  const written = outputs.map(({ name }) => temporary(name));
  try {
    await download(artifacts, weights.digest, whole, signal);
    const files: { name: string; size: number; digest: Digest }[] = [];
    if (outputs.length === 1) files.push({ name: outputs[0]!.name, size: (await stat(whole)).size, digest: weights.digest });
    else {
      for (const [i, output] of outputs.entries()) {
        await writeShard(whole, output, written[i]!, signal);
        const digest = await digestOfFile(written[i]!, { signal });
        files.push({ name: output.name, size: (await stat(written[i]!)).size, digest });
      }
    }
    const targets = outputs.map(({ name }) => join(directory, name));
    for (const target of force ? [] : targets)
      if (await stat(target).catch(() => undefined)) throw new Error(`${target} exists already; --force overwrites`);
    await publishFiles(
      targets.map((to, i) => ({ from: outputs.length === 1 ? whole : written[i]!, to })),
      { fsync },
    );
    return files;
  } finally {
    for (const path of [whole, ...written]) await rm(path, { force: true });
  }
}

async function download(artifacts: Artifacts, digest: Digest, path: string, signal: AbortSignal): Promise<void> {
  await using file = await open(path, "w");
  for await (const chunk of artifacts.stream(digest, { signal })) await file.writeFile(chunk);
}

/** One shard: its tensors out of the file that has all of them. */
async function writeShard(whole: string, { header, size }: OutputFile, path: string, signal: AbortSignal): Promise<void> {
  await using source = await fileSource(whole);
  const all = await openSafetensors(source);
  await using file = await open(path, "w");
  await file.writeFile(header);
  for (const name of parseSafetensorsHeader(header, size).tensors.keys()) {
    for await (const piece of pieces(all, name)) {
      signal.throwIfAborted();
      await file.writeFile(piece);
    }
  }
}

async function* pieces(file: SafetensorsFile, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  const { begin, end } = file.header.tensors.get(name)!;
  for (let offset = 0; offset < end - begin; offset += CHUNK_BYTES)
    yield file.read(name, { offset, length: Math.min(CHUNK_BYTES, end - begin - offset) });
}
