import { open } from "node:fs/promises";
import { join } from "node:path";
import { uniform } from "#libs/deterministic";
import { narrow, planSafetensors, type TensorLayout } from "#libs/tensors";

/** Types of models that are measured. */
const modelTypes = { float32: "F32", bfloat16: "BF16", float16: "F16" } as const;
export type ModelType = keyof typeof modelTypes;

const LAYERS = 18;
const BASE_DEVIATION = 0.02;
const TUNING_DEVIATION = 0.002;
/** Normal numbers that are drawn once; each tensor begins at another one. A prime: what begins at two places does not meet again. */
const DRAWN = 2_097_143;
const PIECE = 1 << 20;

/**
 * Writes base.safetensors and m0 … m(N-1).safetensors: a ViT of 18 layers (296 tensors) of a wanted size with normal weights, and
 * fine-tunings of it. The same bytes each time.
 */
export async function makeModels(folder: string, megabytes: number, count: number, type: ModelType): Promise<void> {
  const layout = layoutOf(megabytes, type);
  const drawn = drawNormal(1);
  await writeModel(join(folder, "base.safetensors"), layout, (tensor) => [[drawn, BASE_DEVIATION, placeOf(0, tensor)]]);
  for (let k = 0; k < count; k++) {
    const path = join(folder, `m${k}.safetensors`);
    await writeModel(path, layout, (tensor) => [
      [drawn, BASE_DEVIATION, placeOf(0, tensor)],
      [drawn, TUNING_DEVIATION, placeOf(k + 1, tensor)],
    ]);
  }
}

type Term = readonly [drawn: Float32Array, deviation: number, at: number];

async function writeModel(path: string, layout: readonly TensorLayout[], termsOf: (tensor: number) => readonly Term[]): Promise<void> {
  const { header, offsets } = planSafetensors(layout, { format: "pt" });
  await using file = await open(path, "w");
  await file.write(header, 0, header.length, 0);
  const values = new Float32Array(PIECE);
  const bytes = new Uint8Array(4 * PIECE);
  for (const [tensor, { name, dtype, shape }] of layout.entries()) {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    const { begin, end } = offsets.get(name)!;
    const size = (end - begin) / elements;
    for (let first = 0; first < elements; first += PIECE) {
      const piece = values.subarray(0, Math.min(PIECE, elements - first)).fill(0);
      for (const [drawn, deviation, at] of termsOf(tensor)) addTo(piece, drawn, deviation, (at + first) % DRAWN);
      const out = bytes.subarray(0, piece.length * size);
      narrow(dtype as (typeof modelTypes)[ModelType], piece, out);
      await file.write(out, 0, out.length, begin + first * size);
    }
  }
}

function addTo(piece: Float32Array, drawn: Float32Array, deviation: number, begin: number): void {
  let at = begin;
  for (let i = 0; i < piece.length; i++) {
    piece[i]! += deviation * drawn[at]!;
    at = at + 1 === DRAWN ? 0 : at + 1;
  }
}

function placeOf(model: number, tensor: number): number {
  return Math.floor(uniform(2 + model, tensor) * DRAWN);
}

/** By the method of Box and Muller. */
function drawNormal(seed: number): Float32Array {
  return Float32Array.from({ length: DRAWN }, (_, i) => {
    const [a, b] = [uniform(seed, 2 * i), uniform(seed, 2 * i + 1)];
    return Math.sqrt(-2 * Math.log(1 - a)) * Math.cos(2 * Math.PI * b);
  });
}

function layoutOf(megabytes: number, type: ModelType): TensorLayout[] {
  const dtype = modelTypes[type];
  const elements = (megabytes * 1e6) / (type === "float32" ? 4 : 2);
  const hidden = Math.max(8, Math.round(Math.sqrt(elements / (12 * LAYERS)) / 8) * 8);
  const layout: TensorLayout[] = [];
  const add = (name: string, ...shape: number[]) => layout.push({ name, dtype, shape });
  const linear = (name: string, outputs: number, inputs: number) => {
    add(`${name}.weight`, outputs, inputs);
    add(`${name}.bias`, outputs);
  };
  const norm = (name: string) => {
    add(`${name}.weight`, hidden);
    add(`${name}.bias`, hidden);
  };
  add("vit.embeddings.cls_token", 1, 1, hidden);
  add("vit.embeddings.position_embeddings", 1, 197, hidden);
  add("vit.embeddings.patch_embeddings.projection.weight", hidden, 3, 16, 16);
  add("vit.embeddings.patch_embeddings.projection.bias", hidden);
  norm("vit.layernorm");
  linear("classifier", 100, hidden);
  for (let layer = 0; layer < LAYERS; layer++) {
    const prefix = `vit.encoder.layer.${layer}.`;
    for (const part of ["query", "key", "value"]) linear(`${prefix}attention.attention.${part}`, hidden, hidden);
    linear(`${prefix}attention.output.dense`, hidden, hidden);
    linear(`${prefix}intermediate.dense`, 4 * hidden, hidden);
    linear(`${prefix}output.dense`, hidden, 4 * hidden);
    norm(`${prefix}layernorm_before`);
    norm(`${prefix}layernorm_after`);
  }
  return layout;
}
