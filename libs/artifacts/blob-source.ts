import type { Descriptor } from "#libs/recipes";
import { type ByteSource, SafetensorsError } from "#libs/tensors";
import type { Artifacts } from "./artifacts.ts";

/**
 * A blob of the catalog as bytes that are read by position; each read is a call.
 * @throws RpcError NOT_FOUND, DATA_LOSS; SafetensorsError (data-past-end) where the blob is shorter than its descriptor says
 */
export function blobSource(
  artifacts: Pick<Artifacts, "read">,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  signal?: AbortSignal,
): ByteSource {
  return {
    size,
    async read(offset, length) {
      const bytes = await artifacts.read(digest, { offset, length }, { signal });
      if (bytes.length === length) return bytes;
      throw new SafetensorsError("data-past-end", `blob ${digest} ends before byte ${offset + length}`);
    },
  };
}
