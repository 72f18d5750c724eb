import { type Artifacts, blobSource } from "#libs/artifacts";
import type { Descriptor } from "#libs/recipes";
import { type ByteSource, openSafetensors, readAhead, type SafetensorsFile } from "#libs/tensors";

/** Bytes that are fetched at once: a small model is one call. */
const BLOCK_BYTES = 4 << 20;

/** The files that an attempt has made, in the catalog. What was read last of each is kept. @throws RpcError, SafetensorsError */
export type Files = {
  source(file: Descriptor): ByteSource;
  open(file: Descriptor): Promise<SafetensorsFile>;
  bytes(file: Descriptor): Promise<Uint8Array>;
};

/** Nothing is read yet. */
export function createFiles(artifacts: Pick<Artifacts, "read">): Files {
  const sources = new Map<string, ByteSource>();
  const source = (file: Descriptor) => {
    const known = sources.get(file.digest) ?? readAhead(blobSource(artifacts, file), BLOCK_BYTES);
    sources.set(file.digest, known);
    return known;
  };
  return { source, open: (file) => openSafetensors(source(file)), bytes: (file) => source(file).read(0, file.size) };
}
