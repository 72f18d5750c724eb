// The thread that looks for chunks in the blobs of models. See chunks.ts.
import { createHash } from "node:crypto";
import { cutIntoChunks, fileSource, openSafetensors } from "#libs/tensors";
import type { Runner, ThreadContext } from "#libs/threads";

/** A chunk that other files may have too. */
export type BlobChunk = { readonly sha256: Uint8Array; readonly offset: number; readonly size: number };

/** Hashes the chunks of a safetensors file, whose path is the unit. */
export function setup(_: unknown, { cancelled }: ThreadContext): Runner<string, readonly BlobChunk[]> {
  return {
    async run(path) {
      await using source = await fileSource(path);
      const { header } = await openSafetensors(source);
      const chunks: BlobChunk[] = [];
      for (const { offset, length, shareable } of cutIntoChunks(header, source.size)) {
        if (!shareable) continue;
        if (cancelled()) throw new Error("nobody waits for the chunks any more");
        const sha256 = createHash("sha256")
          .update(await source.read(offset, length))
          .digest();
        chunks.push({ sha256: new Uint8Array(sha256), offset, size: length });
      }
      return chunks;
    },
    close() {},
  };
}
