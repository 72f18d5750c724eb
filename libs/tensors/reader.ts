import { LENGTH_BYTES, parseSafetensorsHeader, type SafetensorsHeader, type SafetensorsLimits, safetensorsHeaderLength } from "./header.ts";
import { type ByteSource, checkRange } from "./source.ts";

/** An open file: its header is read and checked, tensors are read when asked for. */
export type SafetensorsFile = {
  readonly header: SafetensorsHeader;
  /** Names of the tensors, in the order in which their bytes lie in the file. */
  readonly names: readonly string[];
  /** Bytes of a tensor, or a range of them. Rejects with RangeError for an unknown name and a range outside of the tensor. */
  read(name: string, range?: { readonly offset?: number; readonly length?: number }): Promise<Uint8Array>;
};

/**
 * Opens a safetensors file over any byte source. Reads the header only. Rejects with SafetensorsError.
 * @example
 * ```ts
 * const bytes = saveFloat32(new Map([["w", { shape: [3], data: Float32Array.of(1, 2, 3) }]]));
 * const file = await openSafetensors(bytesSource(bytes));
 * file.header.tensors.get("w")?.shape; // [3]
 * const last = await file.read("w", { offset: 8, length: 4 });
 * [...last]; // [0, 0, 0x40, 0x40]
 * ```
 */
export async function openSafetensors(source: ByteSource, limits?: SafetensorsLimits): Promise<SafetensorsFile> {
  const prefix = await source.read(0, Math.min(LENGTH_BYTES, source.size));
  const headerBytes = await source.read(0, LENGTH_BYTES + safetensorsHeaderLength(prefix, source.size, limits));
  const header = parseSafetensorsHeader(headerBytes, source.size, limits);
  return {
    header,
    names: [...header.tensors.keys()],
    async read(name, range = {}) {
      const entry = header.tensors.get(name);
      if (entry === undefined) throw new RangeError(`there is no tensor ${JSON.stringify(name)}`);
      const size = entry.end - entry.begin;
      const offset = range.offset ?? 0;
      const length = range.length ?? size - offset;
      checkRange(offset, length, size);
      return source.read(header.dataOffset + entry.begin + offset, length);
    },
  };
}
