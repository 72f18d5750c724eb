import { canonicalJson, digestOf } from "#libs/recipes";
import { type ByteSource, fileSource, type TensorEntry, tensorBytes } from "#libs/tensors";
import { isContiguous, openTorchFile, type TorchFile, TorchFileError, type TorchOptions } from "#libs/torch-files";
import { ModelError } from "./errors.ts";
import { readTorchCopy } from "./torch-copy.ts";
import type { WeightsFile } from "./types.ts";

/**
 * Opens a file of PyTorch without running anything of it. Its tensors are read where they lie; only where some are not in C order, a safetensors
 * copy in the user's cache is read in its place. @throws ModelError
 */
export async function readTorchFile(
  file: Pick<WeightsFile, "path" | "size" | "identity">,
  name: string,
  options: TorchOptions,
): Promise<WeightsFile> {
  await using source = await fileSource(file.path);
  const opened = await read(source, name, options);
  const key = digestOf(canonicalJson([...opened.tensors].map(([tensor, place]) => [tensor, { ...place }])));
  if (![...opened.tensors.values()].every(isContiguous)) return await readTorchCopy({ ...file, torch: { key } }, opened, source, name);
  const tensors = [...opened.tensors].map(([tensor, { dtype, shape, offset }]) => {
    return { name: tensor, dtype, shape, offset, length: tensorBytes(dtype, shape) };
  });
  const entries = tensors.map(({ name: tensor, dtype, shape, offset, length }): [string, TensorEntry] => [
    tensor,
    { dtype, shape, begin: offset, end: offset + length },
  ]);
  return { ...file, header: { tensors: new Map(entries), dataOffset: 0 }, torch: { key, tensors }, notes: opened.notes };
}

async function read(source: ByteSource, name: string, options: TorchOptions): Promise<TorchFile> {
  try {
    return await openTorchFile(source, options);
  } catch (cause) {
    if (!(cause instanceof TorchFileError)) throw cause;
    throw new ModelError("invalid", `${name}: ${cause.message}`, { cause });
  }
}
