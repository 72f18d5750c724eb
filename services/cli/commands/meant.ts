import { isName } from "#libs/artifacts";
import { findArtifact } from "#libs/remote-models";
import { allPages, Code, isRpcError, RpcError, type ServiceClient } from "#libs/rpc";
import { list, nearestFew, quote } from "#libs/text";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { RecyclingService, Run } from "#proto/ratatouille/v1/recycling_pb.ts";

/** An artifact by digest or by name. What is not there is told with the names that may have been meant. @throws RpcError */
export function findNamed(name: string, catalog: ServiceClient<typeof CatalogService>, signal: AbortSignal): Promise<Artifact> {
  return orMeant(findArtifact(name, catalog, signal), name, `there is no model ${quote(name)}`, "ratatouille models list", async () => {
    const names = new Map<string, string>();
    // A ref that was deleted is still listed, with its history.
    for await (const { refs } of allPages((pageToken) => catalog.listRefs({ pageSize: 500, pageToken }, { signal })))
      for (const ref of refs) if (ref.digest !== "" && isName(ref.name)) names.set(ref.name, ref.name);
    return names;
  });
}

/** A run by its id. What is not there is told with the runs that may have been meant, also by their names. @throws RpcError */
export async function findRun(
  id: string,
  recycling: ServiceClient<typeof RecyclingService>,
  signal: AbortSignal,
): Promise<Run | undefined> {
  const got = recycling.getRun({ id }, { signal }).then(({ run }) => run);
  return await orMeant(got, id, `there is no run ${quote(id)}`, "ratatouille runs list", async () => {
    const names = new Map<string, string>();
    const page = (pageToken: string) => recycling.listRuns({ pageToken, pageSize: 500 }, { signal });
    // The newest first, which a name is taken for.
    for await (const { runs } of allPages(page))
      for (const run of runs) {
        names.set(run.id, run.id);
        const name = run.spec?.name ?? "";
        if (name !== "" && !names.has(name)) names.set(name, `${run.id} (${name})`);
      }
    return names;
  });
}

/** @param listing the command that lists them. @param known what may be given, and what is said of it; asked for only where nothing was found */
async function orMeant<T>(
  found: Promise<T>,
  given: string,
  missing: string,
  listing: string,
  known: () => Promise<ReadonlyMap<string, string>>,
): Promise<T> {
  try {
    return await found;
  } catch (error) {
    if (!isRpcError(error, Code.NOT_FOUND) && !isRpcError(error, Code.INVALID_ARGUMENT)) throw error;
    const names = await known();
    const near = [...new Set(nearestFew(given, [...names.keys()]).map((name) => names.get(name) ?? name))];
    const { code, reason, metadata } = error;
    // Of a digest the error says more: which there are, or how long it has to be.
    if (near.length === 0 && isOfDigest(given, reason)) throw error;
    const wayOn = near.length === 0 ? `${listing} shows what there is` : `did you mean ${list(near, "or")}?`;
    throw new RpcError(code, `${missing}; ${wayOn}`, { reason, metadata, cause: error });
  }
}

function isOfDigest(given: string, reason: string): boolean {
  return given.startsWith("sha256:") || reason === "AMBIGUOUS_DIGEST" || reason === "ARTIFACT_NOT_FOUND";
}
