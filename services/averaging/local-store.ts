import { randomUUID } from "node:crypto";
import { link } from "node:fs/promises";
import type { Artifacts } from "#libs/artifacts";
import { hasErrorCode } from "#libs/files";
import type { Descriptor } from "#libs/recipes";
import type { ServiceClient } from "#libs/rpc";
import { blobPath, givenPath } from "#libs/storage";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";

/** The catalog's blobs where they are files of this machine: nothing is copied. Both ways need one file system for both places. */
export type LocalStore = {
  /** Gives a verified blob another name. Returns whether it could. @throws RpcError NOT_FOUND, DATA_LOSS */
  fetch(blob: Pick<Descriptor, "digest" | "size">, path: string, signal: AbortSignal): Promise<boolean>;
  /** Makes a blob of a file that nobody writes any more. Returns whether it could. @throws RpcError */
  give(path: string, blob: Pick<Descriptor, "digest" | "size">, signal: AbortSignal): Promise<boolean>;
};

/** What says that a name cannot be given here: other file systems, no permission, nothing there, a file system without links. */
const NOT_HERE = ["EXDEV", "ENOENT", "EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EROFS"];

/** @param directory the catalog's folder `blobs` */
export function createLocalStore(
  directory: string,
  { artifacts, catalog }: { readonly artifacts: Artifacts; readonly catalog: Pick<ServiceClient<typeof CatalogService>, "uploadBlob"> },
): LocalStore {
  async function linked(from: string, to: string): Promise<boolean> {
    try {
      await link(from, to);
      return true;
    } catch (error) {
      if (NOT_HERE.some((code) => hasErrorCode(error, code))) return false;
      throw error;
    }
  }

  return {
    async fetch({ digest, size }, path, signal) {
      // The catalog verifies a blob before it gives a range of it, and sets it aside where it is damaged.
      if (size > 0) await artifacts.read(digest, { offset: size - 1, length: 1 }, { signal });
      return linked(blobPath(directory, digest), path);
    },
    async give(path, { digest, size }, signal) {
      const name = `${randomUUID()}.given`;
      if (!(await linked(path, givenPath(directory, name)))) return false;
      const header = { digest, sizeBytes: BigInt(size), givenFile: name };
      // The catalog reads it for its digest, and waits for the disk.
      const parts = async function* () {
        yield { part: { case: "header" as const, value: header } };
      };
      await catalog.uploadBlob(parts(), { timeoutMs: 0, signal });
      return true;
    },
  };
}
