import { findArtifact } from "#libs/remote-models/find";
import { allPages, type Clients } from "#libs/rpc/portable";
import { CatalogService, LineageDirection } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type ArtifactInfo, infoOf } from "./artifact-info.ts";

type Signal = { readonly signal?: AbortSignal | undefined };

export type ListOptions = Signal & {
  /** For example `kind = model AND architecture = resnet50 AND metric.accuracy >= 0.9`; the grammar is at ListArtifactsRequest.filter. */
  readonly filter?: string | undefined;
  /** "created", "size" or "metric.NAME", and maybe " desc". The newest first unless given. */
  readonly orderBy?: string | undefined;
};

export type LineageOptions = Signal & {
  /** What it was made of (the default), or what was made of it. */
  readonly direction?: "ancestors" | "descendants" | undefined;
  /** Only what was averaged: members of a model, or models that contain it. */
  readonly membersOnly?: boolean | undefined;
};

/** What a catalog tells of its artifacts. `name` is a digest, at least 8 digits of one, or a ref such as "birds/champion". */
export type CatalogReads = {
  /** @throws RpcError NOT_FOUND */
  find(name: string, options?: Signal): Promise<ArtifactInfo>;
  list(options?: ListOptions): AsyncIterable<ArtifactInfo>;
  /** The artifact itself first, then all that it is made of, or that is made of it. @throws RpcError NOT_FOUND */
  lineage(name: string, options?: LineageOptions): AsyncIterable<ArtifactInfo>;
  /**
   * Lets a ref point to an artifact, if it still points to `from`: to nothing, unless given.
   * @throws RpcError ABORTED (REF_MOVED) where it points elsewhere
   */
  moveRef(name: string, to: string, options?: Signal & { readonly from?: string; readonly reason?: string }): Promise<void>;
};

/** The reads of a catalog, over any transport. */
export function readsOf(clients: Clients): CatalogReads {
  const catalog = clients.client(CatalogService);
  return {
    find: async (name, { signal } = {}) => infoOf(await findArtifact(name, catalog, signal)),
    async *list({ filter = "", orderBy = "", signal } = {}) {
      const page = (pageToken: string) => catalog.listArtifacts({ filter, orderBy, pageToken }, { signal });
      for await (const { artifacts } of allPages(page)) yield* artifacts.map(infoOf);
    },
    async *lineage(name, { direction = "ancestors", membersOnly = false, signal } = {}) {
      const { digest } = await findArtifact(name, catalog, signal);
      const request = { digest, membersOnly, direction: LineageDirection[direction === "ancestors" ? "ANCESTORS" : "DESCENDANTS"] };
      const page = (pageToken: string) => catalog.getLineage({ ...request, pageSize: 500, pageToken }, { signal });
      for await (const { artifacts } of allPages(page)) yield* artifacts.map(infoOf);
    },
    async moveRef(name, to, { from = "", reason = "", signal } = {}) {
      await catalog.moveRef({ name, from, to, reason }, { signal });
    },
  };
}
