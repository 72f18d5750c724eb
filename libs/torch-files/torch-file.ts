import { type ByteSource, type Dtype, tensorBytes } from "#libs/tensors";
import { excerpt, quote } from "#libs/text";
import { TorchFileError } from "./errors.ts";
import { readLegacyFile } from "./legacy-file.ts";
import type { PickledTensor } from "./pickle/values.ts";
import { findStateDict, type TorchOptions } from "./state-dict.ts";
import { elementBytes } from "./storages.ts";
import { readZipFile } from "./zip-file.ts";

/** Where a tensor lies in a file of PyTorch. */
export type TorchTensor = {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Elements from one to the next in each dimension; they are any where a dimension has one element only. */
  readonly strides: readonly number[];
  /** The byte of the file at which its first element begins. */
  readonly offset: number;
};

/** The tensors of a model in a file of PyTorch, and what was passed over: ends of sentences that begin with the file's name. */
export type TorchFile = { readonly tensors: ReadonlyMap<string, TorchTensor>; readonly notes: readonly string[] };

/** Tensors may share their bytes, as tied weights do. What is so many times as large as its file was made to fill a disk. */
const MOST_GROWTH = 8;
const SMALL_BYTES = 1 << 20;

/**
 * Whether a file begins as those of torch.save do: "zip" since 1.6, "legacy" before, which is a pickle. Some 16 bytes are enough.
 * @example
 * ```ts
 * torchFormat(Uint8Array.of(0x50, 0x4b, 3, 4)); // "zip"
 * torchFormat(Uint8Array.of(0x80, 2, 0x8a, 10)); // "legacy"
 * torchFormat(new TextEncoder().encode("GGUF")); // undefined
 * ```
 */
export function torchFormat(head: Uint8Array): "zip" | "legacy" | undefined {
  if (head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4) return "zip";
  return head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5 ? "legacy" : undefined;
}

/**
 * Reads what a file of torch.save (`.pth`, `.pt`, `.bin`) has of a model, and executes nothing of it: its pickle is read as data, and what it wants
 * to call is refused unless weights need it. Reads the pickle and the places of the storages; tensors stay in the file.
 * @throws TorchFileError with the end of a sentence
 * @example
 * ```ts
 * import { fileSource } from "#libs/tensors";
 * await using source = await fileSource("test/fixtures/torch-files/zip.pth");
 * const { tensors } = await openTorchFile(source);
 * tensors.get("fc.weight"); // { dtype: "F32", shape: [2, 3], strides: [3, 1], offset: 1216 }
 * ```
 */
export async function openTorchFile(source: ByteSource, options: TorchOptions = {}): Promise<TorchFile> {
  const format = torchFormat(await source.read(0, Math.min(4, source.size)));
  if (format === undefined) throw new TorchFileError("format", "it is no file of torch.save");
  const { value, begins } = format === "zip" ? await readZipFile(source) : await readLegacyFile(source);
  const { tensors, notes } = findStateDict(value, options);
  let bytes = 0;
  for (const [name, { dtype, shape }] of tensors) {
    bytes += sizeOf(name, dtype, shape);
    if (!name.isWellFormed()) throw new TorchFileError("pickle", `the name ${quote(name)} holds half of a surrogate pair`);
  }
  if (bytes > SMALL_BYTES + MOST_GROWTH * source.size)
    throw new TorchFileError(
      "limit",
      `its tensors would have ${bytes} bytes, and it has ${source.size}: many of them are made of the same few`,
    );
  return { tensors: new Map([...tensors].map(([name, tensor]) => [name, placed(tensor, begins)])), notes };
}

function placed({ storage, dtype, offset, shape, strides }: PickledTensor, begins: ReadonlyMap<string, number>): TorchTensor {
  const begin = begins.get(storage.key);
  if (begin === undefined) throw new TorchFileError("storage", `its storage ${excerpt(storage.key)} is missing`);
  return { dtype, shape, strides, offset: begin + offset * elementBytes(dtype) };
}

function sizeOf(name: string, dtype: Dtype, shape: readonly number[]): number {
  try {
    return tensorBytes(dtype, shape);
  } catch (cause) {
    throw new TorchFileError("tensor", `tensor ${quote(name)}: ${(cause as Error).message}`, { cause });
  }
}
