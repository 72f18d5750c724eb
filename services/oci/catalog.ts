import { type Artifacts, createArtifacts } from "#libs/artifacts";
import type { Digest } from "#libs/recipes";
import { type Clients, Code, isRpcError, type ServiceClient } from "#libs/rpc";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import { CatalogService, type GetArtifactRequest } from "#proto/ratatouille/v1/catalog_pb.ts";

/** The catalog as the registry uses it. */
export type Catalog = {
  readonly client: ServiceClient<typeof CatalogService>;
  readonly artifacts: Artifacts;
  /** An artifact, damaged or not; undefined where there is none. */
  find(name: GetArtifactRequest["name"], signal: AbortSignal): Promise<Artifact | undefined>;
  /** Bytes of a blob; undefined where there is none. */
  sizeOf(digest: Digest, signal: AbortSignal): Promise<number | undefined>;
  /** Refs that begin so, by name, those that were deleted too. */
  refs(prefix: string, signal: AbortSignal): AsyncGenerator<{ readonly name: string; readonly digest: string }, void, undefined>;
  /** Tags of the catalog that begin so, by name. */
  fixedTags(prefix: string, signal: AbortSignal): AsyncGenerator<{ readonly name: string; readonly digest: string }, void, undefined>;
  /** Points a ref at an artifact, or deletes it, wherever it points now. */
  point(ref: string, to: Digest | undefined, reason: string, signal: AbortSignal): Promise<void>;
};

/** Refs are moved by others too: tried again so often. */
const TRIES = 5;

/** The catalog behind these clients. */
export function openCatalog(clients: Clients): Catalog {
  const client = clients.client(CatalogService);
  async function find(name: GetArtifactRequest["name"], signal: AbortSignal): Promise<Artifact | undefined> {
    try {
      return (await client.getArtifact({ name, includeDamaged: true }, { signal })).artifact;
    } catch (error) {
      if (isRpcError(error, Code.NOT_FOUND)) return undefined;
      throw error;
    }
  }
  return {
    client,
    artifacts: createArtifacts(clients),
    find,
    async sizeOf(digest, signal) {
      const { sizeBytes } = await client.getUpload({ digest }, { signal });
      return sizeBytes === undefined ? undefined : Number(sizeBytes);
    },
    async *refs(prefix, signal) {
      for (let pageToken = ""; ; ) {
        const { refs, nextPageToken } = await client.listRefs({ prefix, pageSize: 500, pageToken }, { signal });
        yield* refs;
        if (nextPageToken === "") return;
        pageToken = nextPageToken;
      }
    },
    async *fixedTags(prefix, signal) {
      for (let pageToken = ""; ; ) {
        const { tags, nextPageToken } = await client.listTags({ prefix, pageSize: 500, pageToken }, { signal });
        yield* tags;
        if (nextPageToken === "") return;
        pageToken = nextPageToken;
      }
    },
    async point(ref, to = "" as Digest, reason, signal) {
      for (let tries = 1; ; tries += 1) {
        const from = (await find({ case: "ref", value: ref }, signal))?.digest ?? "";
        if (from === to) return;
        try {
          await client.moveRef({ name: ref, from, to, reason }, { signal });
          return;
        } catch (error) {
          if (tries === TRIES || !isRpcError(error, Code.ABORTED)) throw error;
        }
      }
    },
  };
}
