import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Artifacts } from "#libs/artifacts";
import type { AverageProgressSchema } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { Claim } from "./claims.ts";
import type { StagedFile } from "./staged-file.ts";
import type { Announcement } from "./store/rows.ts";

/** Bytes of one call to the catalog. */
const RANGE_BYTES = 8 << 20;
/** Whoever waits hears after so many. */
const TOLD_BYTES = 64 << 20;

/**
 * Takes the bytes of a file from the catalog until all are there, and yields how many there are, now and then. Waits for the disk, so that
 * one range is in memory.
 * @throws RpcError of the catalog; ContributionError
 */
export async function* fetchFromCatalog(
  { claim, file, size, digest }: { readonly claim: Claim; readonly file: StagedFile } & Pick<Announcement, "size" | "digest">,
  artifacts: Pick<Artifacts, "read">,
): AsyncGenerator<MessageInitShape<typeof AverageProgressSchema>, void, undefined> {
  let told = file.offset;
  while (file.offset < size) {
    const length = Math.min(RANGE_BYTES, size - file.offset);
    await file.append(await artifacts.read(digest, { offset: file.offset, length }, { signal: claim.signal }), 0);
    claim.signal.throwIfAborted();
    if (file.offset - told < TOLD_BYTES) continue;
    told = file.offset;
    yield { readBytes: BigInt(told), totalBytes: BigInt(size) };
  }
}
