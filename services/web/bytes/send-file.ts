import { crc32 } from "node:zlib";
import { createPulse } from "#libs/concurrency";
import { internal } from "#libs/rpc";

type Chunk = { readonly data: Uint8Array; readonly crc32: number };
type Part<H> = { readonly case: "header"; readonly value: H } | { readonly case: "chunk"; readonly value: Chunk };
type Send = { readonly case: "send"; readonly value: { readonly offset: bigint; readonly until: bigint } };

/** What ends a call: neither the wish for bytes, nor nothing. */
type Ended<E> = Exclude<E, Send | { readonly case: undefined }>;

/** How a file was taken: whole, with the last message of the call, or whoever sends it has to go on at a byte. */
export type Taken<E> = { readonly kind: "taken"; readonly last: E } | { readonly kind: "wanted"; readonly offset: number };

/**
 * Sends a file to a session, from where it wants it and never further than it allows. A session that has the file already, or needs no byte of it,
 * says so at once.
 * @param call AveragingService.Contribute or Withdraw
 * @param chunksAt the file from a byte on; undefined where the caller does not have that byte: then nothing is sent
 * @throws RpcError as the call; what the chunks throw, after which the session keeps what has arrived
 */
export async function sendFile<H, E extends { readonly case: string | undefined }>(
  call: (requests: AsyncIterable<{ readonly part: Part<H> }>) => AsyncIterable<{ readonly event: Send | E }>,
  header: H,
  chunksAt: (offset: number) => AsyncIterable<Uint8Array> | undefined,
): Promise<Taken<Ended<E>>> {
  const allowed = createPulse();
  let until = 0;
  const wanted = Promise.withResolvers<{ readonly chunks: AsyncIterable<Uint8Array>; readonly offset: number }>();
  wanted.promise.catch(() => undefined);
  async function* requests() {
    yield { part: { case: "header" as const, value: header } };
    const { chunks, offset } = await wanted.promise;
    let at = offset;
    for await (const data of chunks) {
      at += data.length;
      for (let seen = allowed.version; at > until; seen = allowed.version) await allowed.changed(seen);
      yield { part: { case: "chunk" as const, value: { data, crc32: crc32(data) } } };
    }
  }
  try {
    let begun = false;
    for await (const { event } of call(requests())) {
      if (!isSend(event)) {
        if (event.case === undefined) continue;
        return { kind: "taken", last: event as Ended<E> };
      }
      until = Number(event.value.until);
      allowed.beat();
      if (begun) continue;
      begun = true;
      const offset = Number(event.value.offset);
      const chunks = chunksAt(offset);
      if (chunks === undefined) return { kind: "wanted", offset };
      wanted.resolve({ chunks, offset });
    }
  } finally {
    // Whoever still waits for the first word of the session: there will be none.
    wanted.reject(new Error("the call is over"));
  }
  throw internal("the session ended without an answer");
}

function isSend(event: { readonly case: string | undefined }): event is Send {
  return event.case === "send";
}
