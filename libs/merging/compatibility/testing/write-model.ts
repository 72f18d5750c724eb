import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "#libs/recipes";
import { type NarrowDtype, narrow, type TensorData, writeSafetensors } from "#libs/tensors";

/** Floating-point tensors by name: shape and numbers. */
export type Tensors = { readonly [name: string]: { readonly shape: readonly number[]; readonly values: readonly number[] } };

/** The bytes of a safetensors file with these numbers. */
export function modelBytes(tensors: Tensors, dtype: NarrowDtype = "F32"): Uint8Array {
  const size = { F64: 8, F32: 4, F16: 2, BF16: 2 }[dtype];
  const rows = Object.entries(tensors).map(([name, { shape, values }]): TensorData => {
    const data = new Uint8Array(values.length * size);
    narrow(dtype, Float64Array.from(values), data);
    return { name, dtype, shape, data };
  });
  return writeSafetensors(rows, { format: "pt" });
}

/** Writes a Hugging Face folder: model.safetensors, and other files, JSON unless they are text. Returns its path. */
export async function writeFolder(path: string, tensors: Tensors, files: { readonly [name: string]: Json } = {}): Promise<string> {
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "model.safetensors"), modelBytes(tensors));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(path, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return path;
}
