/** Takes so many bytes as are wanted, or a line, from pieces of any size. */
export function byteQueue(pieces: AsyncIterable<Uint8Array>) {
  const iterator = pieces[Symbol.asyncIterator]();
  let piece: Uint8Array = new Uint8Array(0);
  let position = 0;
  return {
    position: () => position,
    async take(length: number): Promise<Uint8Array | undefined> {
      position += length;
      if (piece.length >= length) {
        const taken = piece.subarray(0, length);
        piece = piece.subarray(length);
        return taken;
      }
      const taken = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        if (piece.length === 0) {
          const next = await iterator.next();
          if (next.done === true) return undefined;
          piece = next.value;
          continue;
        }
        const part = piece.subarray(0, length - done);
        taken.set(part, done);
        done += part.length;
        piece = piece.subarray(part.length);
      }
      return taken;
    },
    /** The bytes up to the next newline, without it; undefined where none comes any more. @throws RangeError where none is among so many bytes */
    async takeLine(most: number): Promise<Uint8Array | undefined> {
      const parts: Uint8Array[] = [];
      for (let length = 0; length <= most; ) {
        if (piece.length === 0) {
          const next = await iterator.next();
          if (next.done === true) return undefined;
          piece = next.value;
          continue;
        }
        const end = piece.indexOf(0x0a);
        const part = piece.subarray(0, end < 0 ? piece.length : end);
        piece = piece.subarray(end < 0 ? piece.length : end + 1);
        position += part.length + (end < 0 ? 0 : 1);
        length += part.length;
        if (end >= 0 && parts.length === 0) return part;
        parts.push(part);
        if (end >= 0) return Buffer.concat(parts);
      }
      throw new RangeError(`a line has more than ${most} bytes`);
    },
    /** What the pieces come from ends with the archive: behind it there may be more. */
    async [Symbol.asyncDispose]() {
      await iterator.return?.();
    },
  };
}
