import { createHash } from "node:crypto";
import { mkdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { replaceFile, userCache } from "#libs/files";
import type { Digest } from "#libs/recipes";
import { type ByteSource, fileSource, openSafetensors, planSafetensors } from "#libs/tensors";
import { counted, quote } from "#libs/text";
import { gatherTensor, isContiguous, type TorchFile, TorchFileError } from "#libs/torch-files";
import { openDigestCache } from "./digest-cache.ts";
import { ModelError } from "./errors.ts";
import type { WeightsFile } from "./types.ts";
import { fileDigest, SAVED_BY_TORCH } from "./weights-digest.ts";

/**
 * Writes the tensors of a PyTorch file into a safetensors file of the user's cache, each in C order, unless it is there, and opens that. It is
 * found by its digest, and read again to see that it is whole; who knows the digest of the PyTorch file knows which it is.
 * @throws ModelError for a tensor that spans too much to be gathered
 */
export async function readTorchCopy(
  file: Pick<WeightsFile, "path" | "size" | "identity"> & { readonly torch: { readonly key: Digest } },
  { tensors, notes }: TorchFile,
  source: ByteSource,
  name: string,
): Promise<WeightsFile> {
  const { header, offsets } = planSafetensors(
    [...tensors].map(([tensor, { dtype, shape }]) => ({ name: tensor, dtype, shape })),
    SAVED_BY_TORCH,
  );
  async function* content(): AsyncGenerator<Uint8Array> {
    yield header;
    for (const tensor of offsets.keys()) yield await gathered(tensor);
  }
  async function gathered(tensor: string): Promise<Uint8Array> {
    try {
      return await gatherTensor(source, tensors.get(tensor)!);
    } catch (cause) {
      if (!(cause instanceof TorchFileError)) throw cause;
      throw new ModelError("invalid", `${name}: ${cause.message}`, { cause });
    }
  }
  const cache = openDigestCache();
  let digest = cache.get(file);
  if (digest === undefined) {
    digest = await digestOfPieces(content());
    cache.set(file, digest);
  }
  const path = pathOf(digest, file.path);
  if (!(await holds(path, digest))) {
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, content(), { fsync: false });
  }
  const others = [...tensors].filter(([, tensor]) => !isContiguous(tensor)).map(([tensor]) => tensor);
  const which =
    others.length === 1 ? `tensor ${quote(others[0]!)} is` : `${counted(others.length, "tensor")} such as ${quote(others[0]!)} are`;
  await using copy = await fileSource(path);
  const opened = await openSafetensors(copy);
  return {
    ...(await identified(path)),
    header: opened.header,
    notes: [...notes, `${which} not in C order, and a copy in which all are is read from ${path}`],
  };
}

/** The name is that of the file, as what is made of it may be called after it. */
function pathOf(digest: Digest, path: string): string {
  const stem = basename(path).replace(/\.[^.]+$/, "");
  return join(userCache("torch"), digest.replace("sha256:", ""), `${stem}.safetensors`);
}

async function identified(path: string): Promise<Pick<WeightsFile, "path" | "size" | "identity">> {
  const { dev: device, ino: inode, mtimeNs, size } = await stat(path, { bigint: true });
  return { path, size: Number(size), identity: { device, inode, mtimeNs } };
}

async function holds(path: string, digest: Digest): Promise<boolean> {
  const found = await identified(path).catch(() => undefined);
  return found !== undefined && (await fileDigest(found, { cache: openDigestCache() })) === digest;
}

async function digestOfPieces(pieces: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const piece of pieces) hash.update(piece);
  return `sha256:${hash.digest("hex")}`;
}
