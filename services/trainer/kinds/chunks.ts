import { fileSource } from "#libs/tensors";

const CHUNK_BYTES = 1 << 20;

/** The bytes of a file, which is opened when the first of them are wanted. */
export async function* chunksOf(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  await using source = await fileSource(path);
  for (let offset = 0; offset < source.size; offset += CHUNK_BYTES) yield source.read(offset, Math.min(CHUNK_BYTES, source.size - offset));
}
