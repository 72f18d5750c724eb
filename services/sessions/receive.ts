import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ContributeRequest, SendBytesSchema, WithdrawRequest } from "#proto/ratatouille/v1/averaging_pb.ts";
import { type ChunkSum, checkSum, sumOf } from "./chunk-sum.ts";
import type { Claim } from "./claims.ts";
import type { SessionContext } from "./context.ts";
import type { Credit } from "./credits.ts";
import { ContributionError, refuse } from "./errors.ts";
import type { SessionLimits } from "./limits.ts";
import type { StagedFile } from "./staged-file.ts";

/** A message of a stream that carries bytes behind a header. */
type Request = { readonly part: ContributeRequest["part"] | WithdrawRequest["part"] };
type HeaderOf<R extends Request> = Extract<R["part"], { case: "header" }>["value"];

/** The rest of a stream of requests. */
export type Chunks = AsyncIterator<Request>;

/** The header of a stream, and what comes behind it. @throws RpcError SESSION_INVALID */
export async function readHeader<R extends Request>(requests: AsyncIterable<R>): Promise<{ header: HeaderOf<R>; chunks: Chunks }> {
  const chunks = requests[Symbol.asyncIterator]();
  const first = await chunks.next();
  if (first.done || first.value.part.case !== "header") {
    throw refuse("SESSION_INVALID", "the first message has to be the header", { field: "header" });
  }
  return { header: first.value.part.value as HeaderOf<R>, chunks };
}

/**
 * Takes the bytes of a file from a stream until all are there, and yields what the sender may do next.
 * What waits anywhere is at most the pool of credits: the sender stays behind `until`, and is not read on while the disk is behind.
 * @throws RpcError INCOMPLETE, STALLED, TAKEN_OVER; DamagedChunkError, ContributionError
 */
export async function* receive(
  { claim, chunks, file, size }: { readonly claim: Claim; readonly chunks: Chunks; readonly file: StagedFile; readonly size: number },
  { limits, credits, received }: Pick<SessionContext, "limits" | "credits" | "received">,
): AsyncGenerator<MessageInitShape<typeof SendBytesSchema>, void, undefined> {
  using credit = credits.open();
  while (file.offset < size) {
    if (await enlarge(credit, size - file.offset, { limits, credits }, claim.signal)) {
      yield { offset: BigInt(file.offset), until: BigInt(file.offset + credit.outstanding) };
    }
    const next = await claim.awaiting(chunks.next());
    if (next.done) throw refuse("INCOMPLETE", `the stream ended at byte ${file.offset} of ${size}; the same call again goes on there`);
    const { part } = next.value;
    if (part.case !== "chunk") throw refuse("SESSION_INVALID", "after the header every message has to be a chunk", { field: "chunk" });
    const { data } = part.value;
    const sum = sumOf(part.value);
    checkChunk(data, sum, file.offset, { size, until: file.offset + credit.outstanding, limits });
    // Among many each waits for the disk; alone, one goes on meanwhile.
    await file.append(data, credits.senders > MANY ? 0 : credits.window() / 2, sum);
    credit.spend(data.length);
    if (credits.senders > MANY) received(data.length);
  }
}

const MANY = 4;

/** Gives the sender more where that is worth a message, and waits where it could not go on without. Returns whether there is more. */
async function enlarge(
  credit: Credit,
  left: number,
  { limits, credits }: Pick<SessionContext, "limits" | "credits">,
  signal: AbortSignal,
): Promise<boolean> {
  const window = Math.min(left, credits.window());
  const more = window - credit.outstanding;
  if (more <= 0 || (more < window / 2 && credit.outstanding >= Math.min(left, limits.chunkBytes.max))) return false;
  if (credit.take(more)) return true;
  const least = Math.min(left, limits.chunkBytes.max) - credit.outstanding;
  if (least <= 0) return false;
  await credit.wait(least, signal);
  return true;
}

function checkChunk(
  data: Uint8Array,
  sum: ChunkSum,
  offset: number,
  { size, until, limits }: { readonly size: number; readonly until: number; readonly limits: SessionLimits },
): void {
  const { min, max } = limits.chunkBytes;
  const end = offset + data.length;
  if (data.length > max || data.length === 0 || (data.length < min && end < size)) {
    const right = `${min} to ${max} bytes, or fewer at the end`;
    throw refuse("SESSION_INVALID", `the chunk at byte ${offset} has ${data.length} bytes; a chunk has ${right}`, { field: "chunk.data" });
  }
  if (end > size) {
    // A size is wrong for good; bytes that were damaged on the way are only sent again.
    checkSum(data, offset, sum);
    throw new ContributionError("CONTRIBUTION_MISMATCH", "header.size_bytes", `more than the announced ${size} bytes came`);
  }
  if (end > until) {
    throw refuse("SESSION_INVALID", `the chunk at byte ${offset} ends at ${end}; nothing beyond ${until} was asked for`, {
      field: "chunk",
    });
  }
}
