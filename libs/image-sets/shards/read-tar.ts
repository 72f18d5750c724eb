import { ImageSetError } from "../errors.ts";
import { BLOCK_BYTES, paddedBytes, readTarHeader } from "./tar.ts";

/** A file of an archive, its bytes and where they begin in the archive. */
export type TarFile = { readonly name: string; readonly offset: number; readonly bytes: Uint8Array };

const MOST_FILE_BYTES = 1 << 30;

/**
 * The files of a tar archive as its bytes come, one after another.
 * @param label what the archive is called in errors
 * @throws ImageSetError for what is no archive of plain files, or one that is cut short
 */
export async function* readTar(pieces: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<TarFile, void, undefined> {
  await using source = byteQueue(pieces);
  while (true) {
    const offset = source.position();
    const block = await source.take(BLOCK_BYTES);
    if (block === undefined) throw new ImageSetError(`${label} is cut short: it ends after ${offset} bytes, without the end of an archive`);
    const entry = headerOf(block, label, offset);
    if (entry === undefined) return;
    if (!(entry.size <= MOST_FILE_BYTES))
      throw new ImageSetError(`${label}: the file at byte ${offset} has ${entry.size} bytes, expected less than 1 GiB`);
    const padded = await source.take(paddedBytes(entry.size));
    if (padded === undefined) throw new ImageSetError(`${label} is cut short: it ends inside of ${entry.name}`);
    yield { name: entry.name, offset: offset + BLOCK_BYTES, bytes: padded.subarray(0, entry.size) };
  }
}

function headerOf(block: Uint8Array, label: string, offset: number) {
  try {
    return readTarHeader(block);
  } catch (cause) {
    throw new ImageSetError(`${label} is no tar archive: at byte ${offset}, ${(cause as Error).message}`, { cause });
  }
}

/** Takes so many bytes as are wanted from pieces of any size. */
function byteQueue(pieces: AsyncIterable<Uint8Array>) {
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
    /** What the pieces come from ends with the archive: behind it there may be more. */
    async [Symbol.asyncDispose]() {
      await iterator.return?.();
    },
  };
}
