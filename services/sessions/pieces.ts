import { open } from "node:fs/promises";

const PIECE_BYTES = 1 << 20;

/** The bytes of a file in pieces of a mebibyte. Each is a buffer of its own. */
export async function* readPieces(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const handle = await open(path, "r");
  try {
    for (;;) {
      const { buffer, bytesRead } = await handle.read(new Uint8Array(PIECE_BYTES), 0, PIECE_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
