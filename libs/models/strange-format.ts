import { basename } from "node:path";

const PICKLE = "it is a file of PyTorch that is called otherwise: name it .pth, and it is read without running anything of it";

/** Files of PyTorch by the ends of their names. */
const TORCH = /\.(bin|pt|pth|ckpt)$/i;

/** Files of other formats by the end of their names, where nobody needs to look into them. */
const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/\.gguf$/i, "a GGUF file; average the safetensors that it was made of"],
  [/\.onnx$/i, "an ONNX file; average the safetensors that it was made of"],
  [/\.(h5|hdf5|keras)$/i, "weights of TensorFlow (HDF5); load them with transformers (from_tf=True) and save them as safetensors"],
  [/\.msgpack$/i, "weights of Flax (msgpack); load them with transformers (from_flax=True) and save them as safetensors"],
  [/\.npz$/i, "an archive of NumPy; save its arrays as safetensors first"],
  [/\.tflite$/i, "a TensorFlow Lite file; average the safetensors that it was made of"],
  [/\.nemo$/i, "an archive of NeMo, with a pickle in it; save it as safetensors first"],
];

/**
 * Whether a file is one of PyTorch's, by its name.
 * @example
 * ```ts
 * isTorchName("pytorch_model.bin"); // true
 * isTorchName("model.safetensors"); // false
 * ```
 */
export function isTorchName(name: string): boolean {
  return TORCH.test(name);
}

/**
 * The file of which a part is named.
 * @example
 * ```ts
 * withoutPart("runs/best.pth#state_dict_ema"); // "runs/best.pth"
 * withoutPart("runs#2/best.pth"); // "runs#2/best.pth"
 * ```
 */
export function withoutPart(name: string): string {
  return /^(.*\.(?:bin|pt|pth|ckpt))#[^/#]+$/i.exec(name)?.[1] ?? name;
}

/**
 * What a file of weights is that is not read, by its name: the end of a sentence, with what to do. Undefined for other files.
 * @example
 * ```ts
 * formatByName("model.gguf"); // "a GGUF file; average the safetensors that it was made of"
 * formatByName("model.safetensors"); // undefined
 * ```
 */
export function formatByName(name: string): string | undefined {
  return BY_NAME.find(([pattern]) => pattern.test(name))?.[1];
}

/**
 * What a file is that people take for safetensors, by its first bytes (some 64 are enough): the whole rest of a sentence. Undefined where it
 * may be safetensors.
 */
export function strangeFormat(head: Uint8Array, path: string): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, 64));
  if (text.startsWith("PK\x03\x04"))
    return /\.npz$/i.test(path) ? "it is an archive of NumPy; save its arrays as safetensors first" : PICKLE;
  if (text.startsWith("GGUF") || /^(ggml|ggjt|ggmf|lmgg|tjgg|fmgg)/.test(text))
    return "it is a GGUF file; average the safetensors that it was made of";
  if (text.startsWith("\x89HDF")) return "it is an HDF5 file, as TensorFlow and Keras write it; expected safetensors";
  if (text.startsWith("\x93NUMPY")) return "it is an array of NumPy; save it as safetensors first";
  if (text.startsWith("\x1f\x8b")) return "it is compressed (gzip); expected safetensors";
  if (text.slice(4, 8) === "TFL3") return "it is a TensorFlow Lite file; average the safetensors that it was made of";
  const known = strangeText(text, path);
  if (known !== undefined) return known;
  // The first 8 bytes of safetensors are the length of the header, below 100 MB: what is not so begins as something else does.
  const isLength = head.length < 8 || (head[7] === 0 && head[6] === 0 && head[5] === 0 && head[4] === 0);
  if (isLength) return undefined;
  if (head[0] === 0x80 && (head[1] ?? 9) <= 5) return PICKLE;
  if (head[0] === 0x08 && (head[1] ?? 99) <= 20) return "it is an ONNX file; average the safetensors that it was made of";
  if (/\.msgpack$/i.test(path)) return `it is ${formatByName(path)}`;
  return /^[\t\n\r\x20-\x7e]{8,}$/.test(text)
    ? `it is a text that begins with ${JSON.stringify(text.slice(0, 20).trim())}; expected safetensors`
    : undefined;
}

/** What a text is that stands in the place of a file: a pointer of Git LFS, or the page that a server sent instead. */
export function strangeText(text: string, path: string): string | undefined {
  if (text.startsWith("version https://git-lfs") || text.startsWith("version "))
    return `it is a Git LFS pointer, not the file itself; fetch it with: git lfs pull --include ${basename(path)}`;
  if (/^\s*<(!doctype|html|head|\?xml)/i.test(text))
    return "it is a web page (HTML), not the file itself: a server has sent it instead, for example as it wants a login; download the file again";
  return undefined;
}
