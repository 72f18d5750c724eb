import { type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { MAX_HEADER_BYTES, parseSafetensorsHeader, SafetensorsError, safetensorsHeaderLength } from "#libs/tensors";
import { ModelError } from "./errors.ts";
import type { WeightsFile } from "./types.ts";

const LENGTH_BYTES = 8;

/** Opens a safetensors file, reads and checks its header, and closes it. @param name how messages call it. @throws ModelError */
export async function readWeightsFile(path: string, name = path): Promise<WeightsFile> {
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
    const head = await readExactly(handle, Math.min(LENGTH_BYTES, bytes));
    const strange = strangeFormat(head, path);
    if (strange !== undefined) throw new ModelError("invalid", `${name}: ${strange}`);
    const length = safetensorsHeaderLength(head, bytes);
    const header = parseSafetensorsHeader(await readExactly(handle, LENGTH_BYTES + length), bytes);
    return { path, size: bytes, identity: { device: dev, inode: ino, mtimeNs }, header };
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
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, done);
    if (bytesRead === 0) throw new Error("it became shorter while it was read");
    done += bytesRead;
  }
  return bytes;
}

/** What a file is that people take for safetensors, by its first bytes; undefined if it may be safetensors. */
function strangeFormat(head: Uint8Array, path: string): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, 8));
  const pickle = "it is a PyTorch pickle, which can run code when it is read; save it as safetensors first (safetensors.torch.save_file)";
  if (text.startsWith("PK\x03\x04") || (head[0] === 0x80 && (head[1] ?? 9) <= 5 && /\.(bin|pth?|ckpt)$/.test(path))) return pickle;
  if (text.startsWith("GGUF")) return "it is a GGUF file; average the safetensors that it was made of";
  if (text.startsWith("\x89HDF")) return "it is an HDF5 file; expected safetensors";
  if (text.startsWith("version "))
    return `it is a Git LFS pointer, not the weights; fetch them with: git lfs pull --include ${basename(path)}`;
  return undefined;
}

/** Why a file could not be read, without its name. */
export function problem(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") return "it does not exist";
  if (code === "EACCES") return "this user may not read it";
  if (code === "EISDIR") return "it is a directory";
  return message;
}
