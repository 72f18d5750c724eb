import { cancelled, type ServiceClient } from "#libs/rpc";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";

/** Keys of one call; the catalog takes no more. Where the manifests do not fit one answer, it says how many keys it has answered. */
const BATCH = 256;
/** The catalog reads up to 128 MiB of blobs that it has not verified since it started, perhaps from a slow disk, beside other work. */
const TIMEOUT_MS = 120_000;

/** Finds the artifact of a recipe key. Rejects with the signal's reason when that aborts. */
export type Finder = (recipeKey: string, signal: AbortSignal | undefined) => Promise<Artifact | undefined>;

type Caller = {
  readonly key: string;
  readonly resolve: (artifact: Artifact | undefined) => void;
  readonly reject: (error: unknown) => void;
};

/**
 * Finds artifacts by recipe key. Keys that are asked for in the same turn of the event loop travel in one call: a run looks up hundreds.
 * A caller that leaves does not disturb the others; the call is cancelled when all of them have left.
 */
export function createFinder(catalog: ServiceClient<typeof CatalogService>): Finder {
  let open: ReturnType<typeof createBatch> | undefined;

  return (recipeKey, signal) => {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (open === undefined || !open.takes(recipeKey)) {
      const batch = createBatch(catalog);
      open = batch;
      setImmediate(() => {
        if (open === batch) open = undefined;
        void batch.send();
      });
    }
    return open.add(recipeKey, signal);
  };
}

/** The callers of one call. */
function createBatch(catalog: ServiceClient<typeof CatalogService>) {
  const callers = new Set<Caller>();
  const keys = new Set<string>();
  const call = new AbortController();
  let sent = false;

  return {
    takes: (key: string) => keys.size < BATCH || keys.has(key),

    add(key: string, signal: AbortSignal | undefined): Promise<Artifact | undefined> {
      return new Promise<Artifact | undefined>((resolve, reject) => {
        const leave = () => {
          signal?.removeEventListener("abort", onAbort);
          callers.delete(caller);
        };
        const onAbort = () => {
          caller.reject(signal?.reason);
          // Before it is sent, somebody else may still come.
          if (sent && callers.size === 0) call.abort(cancelled("everybody who asked has left"));
        };
        const caller: Caller = {
          key,
          resolve(artifact) {
            leave();
            resolve(artifact);
          },
          reject(error) {
            leave();
            reject(error);
          },
        };
        keys.add(key);
        callers.add(caller);
        signal?.addEventListener("abort", onAbort);
      });
    },

    async send(): Promise<void> {
      sent = true;
      const recipeKeys = [...new Set([...callers].map(({ key }) => key))];
      if (recipeKeys.length === 0) return;
      try {
        for (let keys = recipeKeys; keys.length > 0; ) {
          const { artifacts, answered } = await catalog.findArtifacts({ recipeKeys: keys }, { signal: call.signal, timeoutMs: TIMEOUT_MS });
          const told = new Set(answered > 0 ? keys.slice(0, answered) : keys);
          const found = new Map(artifacts.map((artifact) => [artifact.recipeKey, artifact]));
          for (const { key, resolve } of [...callers]) if (told.has(key)) resolve(found.get(key));
          keys = keys.slice(told.size);
        }
      } catch (error) {
        for (const { reject } of [...callers]) reject(error);
      }
    },
  };
}
