import { crc32 } from "node:zlib";
import { pause } from "#libs/concurrency";
import { Code, internal, isRpcError, type ServiceClient } from "#libs/rpc";
import type { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import type { Content } from "./content.ts";
import { createSender } from "./sender.ts";

type Averaging = ServiceClient<typeof AveragingService>;

/** A session, and what those need who change it. */
export type SessionAccess = { readonly sessionId: string; readonly secret: string };

/** Who contributes what. */
export type Contribution = {
  /** Counts once, whatever it is called with again. */
  readonly contributor: string;
  readonly content: Content;
  /** Where the session has weights and does not say them itself. */
  readonly weight?: number | undefined;
  /** The model of the catalog whose weights the content is, if it is one: the average names it as its input. */
  readonly artifact?: string | undefined;
};

export type SendOptions = {
  readonly signal?: AbortSignal | undefined;
  /** Told of every piece that is on its way: bytes of the content up to its end. Nothing is sent before what it returns resolves. */
  readonly onProgress?: ((progress: { readonly sentBytes: number; readonly totalBytes: number }) => void | Promise<void>) | undefined;
  /** Bytes of a piece. 1 MiB by default. */
  readonly chunkBytes?: number | undefined;
};

/** What became of a contribution: `from` is where the server began to take it, its size if it had all of it. */
export type Contributed = { readonly existed: boolean; readonly from: number };

/** A server may be silent for as long as it checks numbers and writes. */
const IDLE_TIMEOUT_MS = 120_000;
/** So long a server may be away at one byte. */
const PATIENCE_MS = 30_000;
const PAUSE_MS = { first: 100, most: 2_000 };

/**
 * Contributes to a session, and goes on where the server has stopped when a connection is cut. When this resolves the contribution counts;
 * when it fails or is aborted, the same call again goes on, from any process.
 * @throws RpcError as AveragingService.Contribute has it, and UNAVAILABLE when the server stays away for half a minute; the signal's reason
 */
export async function contribute(
  averaging: Averaging,
  access: SessionAccess,
  contribution: Contribution,
  options: SendOptions = {},
): Promise<Contributed> {
  let first: number | undefined;
  let reached = -1;
  let since = performance.now();
  const sending: SendOptions = {
    ...options,
    onProgress(progress) {
      if (progress.sentBytes > reached) since = performance.now();
      reached = Math.max(reached, progress.sentBytes);
      return options.onProgress?.(progress);
    },
  };
  for (let delayMs = PAUSE_MS.first; ; delayMs = Math.min(2 * delayMs, PAUSE_MS.most)) {
    try {
      const { existed, from } = await once(averaging, access, contribution, sending, (offset) => {
        first ??= offset;
      });
      return { existed, from: first ?? from };
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isInterruption(error) || performance.now() - since > PATIENCE_MS) throw error;
      await pause(delayMs, options.signal);
      options.signal?.throwIfAborted();
    }
  }
}

async function once(
  averaging: Averaging,
  access: SessionAccess,
  { contributor, content, weight, artifact }: Contribution,
  { signal, onProgress, chunkBytes = 1 << 20 }: SendOptions,
  onBegin: (offset: number) => void,
): Promise<Contributed> {
  await using source = await content.open();
  const sender = createSender(content.size, (at, length) => source.read(at, length));
  const header = {
    ...access,
    ...{ contributor, digest: content.digest, sizeBytes: BigInt(content.size), artifact: artifact ?? "" },
    ...(weight === undefined ? {} : { weight }),
  };
  async function* requests() {
    yield { part: { case: "header" as const, value: header } };
    for await (const { at, data } of sender.pieces(chunkBytes)) {
      yield { part: { case: "chunk" as const, value: { data, crc32: crc32(data) } } };
      await onProgress?.({ sentBytes: at + data.length, totalBytes: content.size });
    }
  }
  try {
    for await (const { event } of averaging.contribute(requests(), { timeoutMs: 0, idleTimeoutMs: IDLE_TIMEOUT_MS, signal })) {
      if (event.case === "committed") return { existed: event.value.existed, from: sender.offset ?? content.size };
      if (event.case !== "send") continue;
      sender.allow(event.value);
      onBegin(sender.offset ?? 0);
    }
  } finally {
    sender.end();
  }
  throw internal("the server ended a contribution without an answer");
}

/** Whether the same call again goes on: the server or the way to it was away, or another call has stood in the way. */
function isInterruption(error: unknown): boolean {
  return (
    isRpcError(error, Code.UNAVAILABLE) ||
    isRpcError(error, Code.ABORTED, "TAKEN_OVER") ||
    isRpcError(error, Code.DEADLINE_EXCEEDED) ||
    isRpcError(error, Code.INVALID_ARGUMENT, "CHUNK_DAMAGED")
  );
}
