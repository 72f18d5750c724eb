import type { Artifacts } from "#libs/artifacts";
import type { PackedShard } from "#libs/image-sets";
import { annotations, type Descriptor } from "#libs/recipes";
import { Code, isRpcError } from "#libs/rpc";

/** A shard in the catalog, and how many bytes of it were sent: none of one that was there. */
export type SentShard = { readonly descriptor: Descriptor; readonly sentBytes: number };

/**
 * Stores a shard as a blob, unless the catalog has it: an import that was broken off goes on with the shard that it came to.
 * @param beforeSend before a shard that is not there is sent: what it throws is the end of it.
 */
export async function sendShard(
  shard: PackedShard,
  artifacts: Artifacts,
  {
    mediaType,
    signal,
    beforeSend,
  }: { readonly mediaType: string; readonly signal: AbortSignal; readonly beforeSend?: (() => Promise<void>) | undefined },
): Promise<SentShard> {
  const { name, digest, bytes, content } = shard;
  const notes = { [annotations.title]: name };
  if (await isStored(shard, artifacts, signal)) {
    return { descriptor: { mediaType, digest, size: bytes, annotations: notes }, sentBytes: 0 };
  }
  await beforeSend?.();
  const descriptor = await artifacts.upload(content, { mediaType, annotations: notes, digest, signal });
  return { descriptor, sentBytes: bytes };
}

/** The catalog gives a range only of a blob whose bytes it has found to be right. A damaged one is sent again. */
async function isStored({ digest, bytes }: PackedShard, artifacts: Artifacts, signal: AbortSignal): Promise<boolean> {
  try {
    const last = await artifacts.read(digest, { offset: bytes - 1, length: 1 }, { signal });
    return last.length === 1;
  } catch (error) {
    if (isRpcError(error, Code.NOT_FOUND) || isRpcError(error, Code.DATA_LOSS)) return false;
    throw error;
  }
}
