import type { ServiceClient } from "#libs/rpc";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";

/** Keys of one call; the catalog takes no more. */
const BATCH = 256;

type Waiting = { readonly resolve: (artifact: Artifact | undefined) => void; readonly reject: (error: unknown) => void };

/**
 * Finds artifacts by recipe key. Keys that are asked for in the same turn of the event loop travel in one call: a run looks up hundreds.
 */
export function createFinder(catalog: ServiceClient<typeof CatalogService>): (recipeKey: string) => Promise<Artifact | undefined> {
  let waiting = new Map<string, Waiting[]>();

  const send = async (batch: ReadonlyMap<string, readonly Waiting[]>) => {
    try {
      const { artifacts } = await catalog.findArtifacts({ recipeKeys: [...batch.keys()] });
      const found = new Map(artifacts.map((artifact) => [artifact.recipeKey, artifact]));
      for (const [key, callers] of batch) for (const { resolve } of callers) resolve(found.get(key));
    } catch (error) {
      for (const callers of batch.values()) for (const { reject } of callers) reject(error);
    }
  };

  const flush = () => {
    const batch = waiting;
    waiting = new Map();
    void send(batch);
  };

  return (recipeKey) =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) setImmediate(flush);
      waiting.set(recipeKey, [...(waiting.get(recipeKey) ?? []), { resolve, reject }]);
      if (waiting.size === BATCH) flush();
    });
}
