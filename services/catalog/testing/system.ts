import assert from "node:assert/strict";
import { join } from "node:path";
import { type Artifacts, createArtifacts } from "#libs/artifacts";
import { type Bus, openLocalBus } from "#libs/bus";
import {
  type BuiltManifest,
  buildDatasetManifest,
  buildModelManifest,
  buildSourceManifest,
  type Digest,
  mediaTypes,
  type Recipe,
} from "#libs/recipes";
import { type Code, connect, isRpcError, type RpcChannel, type RpcError, type ServiceClient, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { writeSafetensors } from "#libs/tensors";
import { type TemporaryDirectory, temporaryDirectory } from "#libs/testing";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type CatalogDependencies, createCatalog } from "../index.ts";

/** A catalog behind a real server, with real files, for tests. */
export type CatalogFixture = AsyncDisposable & {
  client: ServiceClient<typeof CatalogService>;
  channel: RpcChannel;
  artifacts: Artifacts;
  bus: Bus;
  /** Ends the catalog and opens it again on the same files, or on those of another directory. */
  restart(data?: string): Promise<void>;
  /** The file of a blob. */
  blobPath(digest: string): string;
  directory: TemporaryDirectory;
  /** Added to the clock of the catalog, in milliseconds. */
  clock: { aheadMs: number };
};

/** Starts a catalog in a directory of its own. */
export async function startCatalog(options: Pick<CatalogDependencies, "verifyAtLookupBytes"> = {}): Promise<CatalogFixture> {
  const directory = await temporaryDirectory("catalog-");
  const bus = await openLocalBus({ path: ":memory:" });
  const clock = { aheadMs: 0 };
  let data = directory.join("data");
  const start = async () => {
    const stack = new AsyncDisposableStack();
    const log = createLogger({ service: "catalog", destination: directory.join("catalog.log") });
    const catalog = stack.use(await createCatalog({ ...options, directory: data, bus, log, now: () => Date.now() + clock.aheadMs }));
    const stop = new AbortController();
    const running = catalog.run(stop.signal);
    stack.defer(async () => {
      stop.abort();
      await running;
    });
    const server = stack.use(await serve({ address: "127.0.0.1:0", services: [...catalog.registrations], log }));
    const channel = stack.use(connect(server.address));
    return { stack, channel, client: channel.client(CatalogService), artifacts: createArtifacts(channel) };
  };
  let running = await start();
  return {
    get client() {
      return running.client;
    },
    get channel() {
      return running.channel;
    },
    get artifacts() {
      return running.artifacts;
    },
    bus,
    clock,
    directory,
    blobPath: (digest) => join(data, "blobs", "sha256", digest.slice(7, 9), digest.slice(7)),
    async restart(elsewhere) {
      data = elsewhere ?? data;
      await running.stack.disposeAsync();
      running = await start();
    },
    async [Symbol.asyncDispose]() {
      await running.stack.disposeAsync();
      await bus[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Bytes that differ for each number. */
export function bytesOf(number: number, length = 64): Uint8Array {
  return new Uint8Array(length).fill(number % 251).fill(Math.floor(number / 251), 0, 1);
}

/** Weights of one tensor that differ for each number. */
export function weightsOf(number: number, length = 64): Uint8Array {
  return writeSafetensors([{ name: "weight", dtype: "U8", shape: [length], data: bytesOf(number, length) }]);
}

/** Uploads the files of a source artifact and builds its manifest. Number `n` and its recipe differ from those of any other number. */
export async function buildSource(artifacts: Artifacts, n: number, content: Uint8Array = bytesOf(n)): Promise<BuiltManifest> {
  const file = await artifacts.upload(content, { mediaType: mediaTypes.sourceLayer });
  const parameters = { files: [{ path: `file-${n}`, digest: file.digest, bytes: file.size }], licence: "CC0-1.0", source: `number ${n}` };
  return buildSourceManifest({ recipe: { kind: "import", inputs: {}, parameters }, licences: ["CC0-1.0"], files: [file] });
}

/** The recipe of an average. */
export function averageOf(models: readonly Digest[], exclude: string): Recipe {
  return {
    kind: "average",
    inputs: { models },
    parameters: { method: "uniform", exclude: [exclude], dtype: "F32" },
    arithmetic: "exact-mean/1",
  };
}

/** Uploads weights and builds the manifest of an average of any artifacts. */
export async function buildAverage(artifacts: Artifacts, recipe: Recipe, content: Uint8Array): Promise<BuiltManifest> {
  const weights = await artifacts.upload(content, { mediaType: mediaTypes.weights });
  return buildModelManifest({ recipe, licences: [], weights, architecture: "mlp", parameterCount: 1 });
}

/** Uploads data and builds the manifest of a data set. */
export async function buildDataset(artifacts: Artifacts, seed: number): Promise<BuiltManifest> {
  const data = await artifacts.upload(weightsOf(seed), { mediaType: mediaTypes.datasetLayer });
  const parameters = { generator: "glyphs/1", classes: 2, images: 4, styles: ["plain"], rotation: 0, alphabetSeed: 1 };
  return buildDatasetManifest({ recipe: { kind: "dataset", inputs: {}, parameters, seed }, licences: [], data });
}

/** Awaits a refusal with this code and reason, and returns it. */
export async function refusal(call: Promise<unknown>, code: Code, reason: string): Promise<RpcError> {
  const outcome = await call.then(
    () => new Error("the call succeeded"),
    (error: unknown) => error,
  );
  assert.ok(isRpcError(outcome), `expected ${reason}, got ${outcome}`);
  assert.deepEqual([outcome.code, outcome.reason], [code, reason], outcome.message);
  return outcome;
}
