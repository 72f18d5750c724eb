import { type ByteSource, fileSource, type TensorEntry, tensorBytes } from "#libs/tensors";
import { isContiguous, openTorchFile, type TorchFile, TorchFileError, type TorchOptions } from "#libs/torch-files";
import { ModelError } from "./errors.ts";
import { readTorchCopy } from "./torch-copy.ts";
import type { TorchPlace, WeightsFile } from "./types.ts";

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
  if (![...opened.tensors.values()].every(isContiguous)) return await readTorchCopy(file, opened, source, name);
  const torch: TorchPlace[] = [];
  for (const [tensor, { dtype, shape, offset }] of opened.tensors)
    torch.push({ name: tensor, dtype, shape, offset, length: tensorBytes(dtype, shape) });
  const entries = torch.map(({ name: tensor, dtype, shape, offset, length }): [string, TensorEntry] => [
    tensor,
    { dtype, shape, begin: offset, end: offset + length },
  ]);
  return { ...file, header: { tensors: new Map(entries), dataOffset: 0 }, torch, notes: opened.notes };
}

async function read(source: ByteSource, name: string, options: TorchOptions): Promise<TorchFile> {
  try {
    return await openTorchFile(source, options);
  } catch (cause) {
    if (!(cause instanceof TorchFileError)) throw cause;
    throw new ModelError("invalid", `${name}: ${cause.message}`, { cause });
  }
}
