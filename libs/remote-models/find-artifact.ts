import { type ServiceClient, unavailable } from "#libs/rpc/portable";
import type { Artifact } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";

/**
 * An artifact by digest ("sha256:…", or at least 8 digits of it) by ref (with a "/") or by tag (with a ":").
 * @throws RpcError NOT_FOUND
 * @example
 * ```ts
 * import { buildSource, startCatalog } from "../../services/catalog/testing/system.ts";
 * await using catalog = await startCatalog();
 * const { digest } = await catalog.artifacts.publish(await buildSource(catalog.artifacts, 1));
 * const found = await findArtifact(digest.slice(0, 20), catalog.client, new AbortController().signal);
 * found.digest === digest; // true
 * ```
 */
export async function findArtifact(name: string, catalog: ServiceClient<typeof CatalogService>, signal?: AbortSignal): Promise<Artifact> {
  const isRef = name.includes("/") || (name.includes(":") && !name.startsWith("sha256:"));
  const { artifact } = await catalog.getArtifact(
    { name: isRef ? { case: "ref", value: name } : { case: "digest", value: name }, includeDamaged: true },
    { signal },
  );
  if (!artifact) throw unavailable("the catalog answered without an artifact");
  return artifact;
}
