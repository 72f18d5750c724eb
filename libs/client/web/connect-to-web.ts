import { createConnectTransport } from "@connectrpc/connect-web";
import { type Clients, Code, dataLoss, RpcError } from "#libs/rpc/portable";
import { AveragingService, type MergeMethod } from "#proto/ratatouille/v1/averaging_pb.ts";
import { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import {
  type ArtifactInfo,
  type AverageOptions,
  average,
  type CatalogReads,
  infoOf,
  type OpenOptions,
  openSession,
  type Runs,
  readsOf,
  runsOf,
} from "../everywhere/index.ts";
import { digestOfBytes } from "./digest.ts";
import { filesOf, reaching } from "./files.ts";
import { overTransport } from "./over-transport.ts";
import { type WebSession, webSession } from "./session.ts";

type Signal = { readonly signal?: AbortSignal | undefined };

export type WebOptions = {
  /** Bearer token sent with every call. */
  readonly token?: string | undefined;
  /** What makes requests; that of the page unless given. */
  readonly fetch?: typeof globalThis.fetch | undefined;
};

/** What a model in memory says of itself. */
type PushOptions = Signal & {
  readonly licence?: string | undefined;
  readonly source?: string | undefined;
  readonly architecture?: string | undefined;
  readonly base?: string | undefined;
};

/** A ratatouille server over HTTP. What takes a name takes a digest, at least 8 digits of one, or a ref. */
export type WebClient = CatalogReads & {
  /** Puts the bytes of a safetensors file into the catalog as a model, unless it is there. */
  push(weights: Uint8Array<ArrayBuffer>, options?: PushOptions): Promise<ArtifactInfo>;
  /** The safetensors file of a model; bytes are checked. @throws RpcError NOT_FOUND, DATA_LOSS */
  download(name: string, options?: Signal): Promise<Uint8Array<ArrayBuffer>>;
  average(models: readonly string[], options?: AverageOptions): Promise<ArtifactInfo>;
  methods(options?: Signal): Promise<readonly MergeMethod[]>;
  openSession(options?: OpenOptions): Promise<WebSession>;
  session(access: { readonly id: string; readonly secret?: string }): WebSession;
  readonly runs: Runs;
  /** Calls of any service, but for those that stream requests. */
  readonly clients: Clients;
};

/**
 * The client of a server's HTTP port, such as that of `ratatouille up --web 127.0.0.1:7438`.
 * @param url for example "https://models.example:7438"; in a page the server has to be told its origin (`--origins`)
 */
export function connectToWeb(url: string, { token, fetch: given = globalThis.fetch }: WebOptions = {}): WebClient {
  const base = new URL(url).href.replace(/\/$/, "");
  const fetch = reaching(base, given);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const transport = createConnectTransport({
    baseUrl: base,
    useBinaryFormat: true,
    fetch,
    interceptors: [
      (next) => (request) => {
        for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
        return next(request);
      },
    ],
  });
  const clients = overTransport(transport);
  const files = filesOf(base, token, fetch);
  const reads = readsOf(clients);
  return {
    ...reads,
    async push(weights, { licence = "", source = "a browser", architecture = "", base: parent = "", signal } = {}) {
      const digest = await digestOfBytes(weights);
      await files.put(`/v1/blobs/${digest}`, weights, { signal });
      const request = { files: [{ digest }], licence, source, architecture, base: parent };
      return infoOf((await clients.client(CatalogService).importModel(request, { signal })).artifact!);
    },
    async download(name, { signal } = {}) {
      const { kind, weights } = await reads.find(name, { signal });
      if (weights === undefined)
        throw new RpcError(Code.FAILED_PRECONDITION, `${name} is no model: it is a ${kind}`, { reason: "NOT_A_MODEL" });
      const bytes = await files.get(`/v1/blobs/${weights.digest}`, signal);
      if ((await digestOfBytes(bytes)) === weights.digest) return bytes;
      throw dataLoss(`blob ${weights.digest} arrived with other bytes`, { reason: "BLOB_CORRUPTED", metadata: { digest: weights.digest } });
    },
    average: (models, how) => average(clients, models, how),
    methods: async ({ signal } = {}) => (await clients.client(AveragingService).listMethods({}, { signal })).methods,
    async openSession(how) {
      const { id, secret } = await openSession(clients, how);
      return webSession(clients, files, id, secret);
    },
    session: ({ id, secret = "" }) => webSession(clients, files, id, secret),
    runs: runsOf(clients),
    clients,
  };
}
