import { createCipheriv, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { type TensorData, writeSafetensors } from "#libs/tensors";

/** Shares of a model of its head, and of its one tensor of the backbone. */
const HEAD_SHARE = 0.02;
const LAYERS = 24;

/** Bytes that no other file has. */
function noise(bytes: number): Uint8Array {
  const cipher = createCipheriv("aes-128-ctr", randomBytes(16), new Uint8Array(16));
  return new Uint8Array(cipher.update(new Uint8Array(bytes)));
}

/** A model in memory: layers of a backbone, and a head. */
export type BenchModel = { readonly layers: readonly Uint8Array[]; readonly head: Uint8Array };

/** A model of so many bytes, unlike any other. */
export function newModel(bytes: number): BenchModel {
  const each = 4 * Math.floor(((1 - HEAD_SHARE) * bytes) / LAYERS / 4);
  return { layers: Array.from({ length: LAYERS }, () => noise(each)), head: newHead(bytes) };
}

/** A head for a model of so many bytes. */
export function newHead(bytes: number): Uint8Array {
  return noise(4 * Math.floor((HEAD_SHARE * bytes) / 4));
}

/** Writes a model as a safetensors file, and returns its size in bytes. */
export async function writeModel(path: string, { layers, head }: BenchModel): Promise<number> {
  const tensorOf = (name: string, data: Uint8Array): TensorData => ({ name, dtype: "F32", shape: [data.length / 4], data });
  const file = writeSafetensors([...layers.map((data, i) => tensorOf(`layer.${i}.weight`, data)), tensorOf("head.weight", head)]);
  await writeFile(path, file);
  return file.length;
}
