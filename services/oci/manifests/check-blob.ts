import type { Catalog } from "../catalog.ts";
import { ociError } from "../errors.ts";
import type { OciDescriptor } from "./oci-manifest.ts";

/** A blob or a manifest that a manifest names and that is not here. */
export function blobUnknown(digest: string) {
  return ociError(404, "MANIFEST_BLOB_UNKNOWN", `the manifest names ${digest}, which is not here: push it first`);
}

/** @throws HttpError unless the catalog has a blob of the size that a manifest says */
export async function checkBlob(catalog: Catalog, { digest, size }: OciDescriptor, signal: AbortSignal): Promise<void> {
  const there = await catalog.sizeOf(digest, signal);
  if (there === undefined) throw blobUnknown(digest);
  if (there !== size) throw ociError(400, "MANIFEST_INVALID", `the manifest says that ${digest} has ${size} bytes, and it has ${there}`);
}
