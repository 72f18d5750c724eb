import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { crc32c } from "#libs/kernels";
import { createSender, type SessionAccess } from "#libs/remote-sessions";
import type { ServiceClient } from "#libs/rpc";
import type { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";

type Client = ServiceClient<typeof AveragingService>;
type Chunk = { data: Uint8Array; crc32?: number; crc32c?: number };

/** How a test sends bytes: as it should, or otherwise. */
export type Sending = {
  readonly chunkBytes?: number | undefined;
  /** The sum that chunks carry; crc32 by default. */
  readonly sum?: "crc32" | "crc32c" | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called before each chunk, with the byte where it begins; it may wait, throw, or change the chunk. */
  readonly beforeChunk?: ((offset: number, chunk: Chunk) => Promise<void> | void) | undefined;
  /** Fields of the header that are other than those of the bytes. */
  readonly header?: { digest?: string; sizeBytes?: bigint; weight?: number; artifact?: string } | undefined;
  /** Does not wait for room. */
  readonly heedless?: boolean | undefined;
};

export function sha256(bytes: Uint8Array): `sha256:${string}` {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Chunks of a file from where the server wants them, as far as it lets them go. */
function sender(bytes: Uint8Array, { chunkBytes = 1 << 20, sum = "crc32", beforeChunk, heedless = false }: Sending) {
  const sent = createSender(bytes.length, (at, length) => bytes.subarray(at, at + length));
  return {
    allow: ({ offset, until }: { offset: bigint; until: bigint }) => sent.allow({ offset, until: heedless ? BigInt(bytes.length) : until }),
    end: () => sent.end(),
    get offset() {
      return sent.offset;
    },
    async *chunks(): AsyncGenerator<Chunk, void, undefined> {
      for await (const { at, data } of sent.pieces(chunkBytes)) {
        const chunk: Chunk = sum === "crc32" ? { data, crc32: crc32(data) } : { data, crc32c: crc32c(data) };
        await beforeChunk?.(at, chunk);
        yield chunk;
      }
    },
  };
}

/** Contributes a file once: where the server began to take it, and whether it had been committed before. */
export async function contribute(
  client: Client,
  place: SessionAccess,
  contributor: string,
  bytes: Uint8Array,
  sending: Sending = {},
): Promise<{ existed: boolean; from: number | undefined }> {
  const source = sender(bytes, sending);
  const header = { ...place, contributor, digest: sha256(bytes), sizeBytes: BigInt(bytes.length), ...sending.header };
  async function* requests() {
    yield { part: { case: "header" as const, value: header } };
    for await (const chunk of source.chunks()) yield { part: { case: "chunk" as const, value: chunk } };
  }
  try {
    for await (const { event } of client.contribute(requests(), { timeoutMs: 60_000, signal: sending.signal })) {
      if (event.case === "send") source.allow(event.value);
      if (event.case === "committed") return { existed: event.value.existed, from: source.offset };
    }
  } finally {
    source.end();
  }
  throw new Error("the server ended without an answer");
}

/** Withdraws a contribution; sends its bytes if they are given and asked for. */
export async function withdraw(
  client: Client,
  place: SessionAccess,
  contributor: string,
  bytes?: Uint8Array,
  sending: Sending = {},
): Promise<{ asked: boolean }> {
  const source = sender(bytes ?? new Uint8Array(0), sending);
  async function* requests() {
    yield { part: { case: "header" as const, value: { ...place, contributor } } };
    if (bytes) for await (const chunk of source.chunks()) yield { part: { case: "chunk" as const, value: chunk } };
  }
  try {
    for await (const { event } of client.withdraw(requests(), { timeoutMs: 60_000, signal: sending.signal })) {
      if (event.case === "send") source.allow(event.value);
      if (event.case === "withdrawn") return { asked: source.offset !== undefined };
    }
  } finally {
    source.end();
  }
  throw new Error("the server ended without an answer");
}
