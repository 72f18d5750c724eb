import { createPulse } from "#libs/concurrency";

/** What a server has said it wants next: where the first byte is, and up to where bytes may be sent. */
export type Wanted = { readonly offset: bigint; readonly until: bigint };

/** Sends a file as its receiver lets it: from where it wants the bytes, never beyond what it has said. */
export type Sender = {
  /** The receiver has said what it wants. */
  allow(wanted: Wanted): void;
  /** The receiver wants nothing any more. */
  end(): void;
  /** Where the receiver began to take it; undefined while it has asked for nothing. */
  readonly offset: number | undefined;
  /** The pieces and where they begin, each when it may be sent. */
  pieces(chunkBytes: number): AsyncGenerator<{ readonly at: number; readonly data: Uint8Array }, void, undefined>;
};

/**
 * A sender of `size` bytes.
 * @param read gives bytes by position, at most those that were asked for
 * @example
 * ```ts
 * const sender = createSender(5, async (at, length) => Uint8Array.of(0, 1, 2, 3, 4).subarray(at, at + length));
 * sender.allow({ offset: 2n, until: 5n });
 * const sent = await Array.fromAsync(sender.pieces(2));
 * sent.map(({ at, data }) => [at, ...data]); // [[2, 2, 3], [4, 4]]
 * ```
 */
export function createSender(size: number, read: (at: number, length: number) => Promise<Uint8Array> | Uint8Array): Sender {
  const pulse = createPulse();
  let offset: number | undefined;
  let until = 0;
  let over = false;
  const when = async (ready: () => boolean) => {
    for (let seen = pulse.version; !over && !ready(); seen = pulse.version) await pulse.changed(seen);
    return !over;
  };
  return {
    allow(wanted) {
      offset ??= Number(wanted.offset);
      until = Number(wanted.until);
      pulse.beat();
    },
    end() {
      over = true;
      pulse.beat();
    },
    get offset() {
      return offset;
    },
    async *pieces(chunkBytes) {
      if (!(await when(() => offset !== undefined))) return;
      for (let at = offset!; at < size; ) {
        const length = Math.min(chunkBytes, size - at);
        if (!(await when(() => at + length <= until))) return;
        yield { at, data: await read(at, length) };
        at += length;
      }
    },
  };
}
