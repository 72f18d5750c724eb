import { type FileHandle, open, stat } from "node:fs/promises";
import { readFrom } from "#libs/files";
import { MAX_HEADER_BYTES, parseSafetensorsHeader, SafetensorsError, safetensorsHeaderLength } from "#libs/tensors";
import { type TorchOptions, torchFormat } from "#libs/torch-files";
import { ModelError } from "./errors.ts";
import { problem } from "./problem.ts";
import { strangeFormat } from "./strange-format.ts";
import { readTorchFile } from "./torch-weights.ts";
import type { WeightsFile } from "./types.ts";

const LENGTH_BYTES = 8;
/** By which other formats are known. */
const HEAD_BYTES = 64;

/**
 * Opens a file of weights, reads and checks what it says of its tensors, and closes it. What is called .safetensors has to be that; other files
 * may be PyTorch's. @param name how messages call it. @throws ModelError
 */
export async function readWeightsFile(path: string, name = path, options: TorchOptions = {}): Promise<WeightsFile> {
  let handle: FileHandle;
  try {
    // Opening a pipe would wait for whoever writes to it.
    if (!(await stat(path)).isFile()) throw new Error("it is not a file");
    handle = await open(path, "r");
  } catch (cause) {
    throw new ModelError("missing", `cannot read ${name}: ${problem(cause)}`, { cause });
  }
  try {
    const { dev, ino, size, mtimeNs } = await handle.stat({ bigint: true });
    const bytes = Number(size);
    const head = await readExactly(handle, Math.min(HEAD_BYTES, bytes));
    const identity = { device: dev, inode: ino, mtimeNs };
    if (torchFormat(head) !== undefined && !/\.(safetensors|npz)$/i.test(path))
      return await readTorchFile({ path, size: bytes, identity }, name, options);
    if (options.part !== undefined) throw new ModelError("invalid", `${name}: it is no file of PyTorch, and only these have parts by name`);
    const strange = strangeFormat(head, path);
    if (strange !== undefined) throw new ModelError("invalid", `${name}: ${strange}`);
    const length = safetensorsHeaderLength(head.subarray(0, LENGTH_BYTES), bytes);
    const header = parseSafetensorsHeader(await readExactly(handle, LENGTH_BYTES + length), bytes);
    return { path, size: bytes, identity, header };
  } catch (cause) {
    if (cause instanceof SafetensorsError) throw new ModelError("invalid", `${name}: ${cause.message}`, { cause });
    if (cause instanceof ModelError) throw cause;
    throw new ModelError("missing", `cannot read ${name}: ${problem(cause)}`, { cause });
  } finally {
    await handle.close();
  }
}

async function readExactly(handle: FileHandle, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(length, LENGTH_BYTES + MAX_HEADER_BYTES));
  if ((await readFrom(handle, bytes, 0)) < bytes.length) throw new Error("it became shorter while it was read");
  return bytes;
}
