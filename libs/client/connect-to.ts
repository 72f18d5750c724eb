import { type Artifacts, createArtifacts, type RemoteTensor, type TensorSelection } from "#libs/artifacts";
import { type ConnectOptions, connect, failedPrecondition, type RpcChannel } from "#libs/rpc";
import { AveragingService, type MergeMethod } from "#proto/ratatouille/v1/averaging_pb.ts";
import {
  type ArtifactInfo,
  type AverageOptions,
  average,
  type CatalogReads,
  type OpenOptions,
  openSession,
  type Runs,
  readsOf,
  runsOf,
} from "./everywhere/index.ts";
import { type PushOptions, push, type Tensors } from "./push.ts";
import { type ClientSession, sessionOf } from "./session.ts";

type Signal = { readonly signal?: AbortSignal | undefined };

export type ConnectToOptions = ConnectOptions;

/** A ratatouille server, as programs use it. What takes a name takes a digest, at least 8 digits of one, or a ref. */
export type Client = Disposable &
  CatalogReads & {
    /** Puts a model into the catalog, unless it is there: a path, the bytes of a safetensors file, or tensors. */
    push(model: string | Uint8Array | Tensors, options?: PushOptions): Promise<ArtifactInfo>;
    /** Writes model.safetensors and recipe.json into a folder. Bytes are checked. @throws RpcError NOT_FOUND, DATA_LOSS */
    pull(name: string, folder: string, options?: Signal): Promise<ArtifactInfo>;
    /** The safetensors file of a model, in memory; bytes are checked. @throws RpcError NOT_FOUND, DATA_LOSS */
    download(name: string, options?: Signal): Promise<Uint8Array>;
    /** Tensors of a model, or parts of them, one after the other. @throws RpcError NOT_FOUND, INVALID_ARGUMENT, DATA_LOSS */
    tensors(name: string, options?: Signal & { readonly select?: readonly TensorSelection[] }): AsyncIterable<RemoteTensor>;
    /** Averages models of the catalog, or merges them by another method, on the server. */
    average(models: readonly string[], options?: AverageOptions): Promise<ArtifactInfo>;
    /** The methods of averages. */
    methods(options?: Signal): Promise<readonly MergeMethod[]>;
    /** Opens a session: an average that grows while contributions arrive. */
    openSession(options?: OpenOptions): Promise<ClientSession>;
    /** A session that was opened elsewhere. */
    session(access: { readonly id: string; readonly secret?: string }): ClientSession;
    readonly runs: Runs;
    /** Recipes, manifests and blobs. */
    readonly artifacts: Artifacts;
    /** The connection, for calls of any service. */
    readonly channel: RpcChannel;
  };

/**
 * Connects to a server, such as one that `ratatouille up` has started, when it is first needed.
 * @param address host and port
 * @throws RpcError INVALID_ARGUMENT for a wrong address, or a token that would travel in the clear
 * @example
 * ```ts
 * import { startCatalog } from "../../services/catalog/testing/system.ts";
 * import { saveFloat32 } from "#libs/tensors";
 * await using catalog = await startCatalog();
 * using client = connectTo(catalog.channel.address);
 * const weights = saveFloat32(new Map([["w", { shape: [2], data: Float32Array.of(1, 2) }]]));
 * const { digest, kind } = await client.push(weights, { licence: "MIT", architecture: "tiny" });
 * kind; // "model"
 * Buffer.compare(await client.download(digest), weights); // 0
 * ```
 */
export function connectTo(address: string, options: ConnectToOptions = {}): Client {
  const channel = connect(address, options);
  const artifacts = createArtifacts(channel);
  const reads = readsOf(channel);
  const model = async (name: string, signal: AbortSignal | undefined) => {
    const info = await reads.find(name, { signal });
    if (info.weights) return { ...info, weights: info.weights };
    throw failedPrecondition(`${name} is no model: it is a ${info.kind}`, { reason: "NOT_A_MODEL", metadata: { digest: info.digest } });
  };
  return {
    ...reads,
    push: async (content, how = {}) => reads.find(await push(channel, content, how), { signal: how.signal }),
    async pull(name, folder, { signal } = {}) {
      const info = await model(name, signal);
      const { fetchModel } = await import("#libs/remote-models");
      await fetchModel(folder, info.digest, artifacts, signal ?? new AbortController().signal);
      return info;
    },
    download: async (name, { signal } = {}) => artifacts.download((await model(name, signal)).weights.digest, { signal }),
    async *tensors(name, { select = [], signal } = {}) {
      yield* artifacts.tensors((await reads.find(name, { signal })).digest, { select, signal });
    },
    average: (models, how) => average(channel, models, how),
    methods: async ({ signal } = {}) => (await channel.client(AveragingService).listMethods({}, { signal })).methods,
    async openSession(how) {
      const { id, secret } = await openSession(channel, how);
      return sessionOf(channel, id, secret);
    },
    session: ({ id, secret = "" }) => sessionOf(channel, id, secret),
    runs: runsOf(channel),
    ...{ artifacts, channel },
    [Symbol.dispose]: () => channel.close(),
  };
}
