import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { uint32 } from "#libs/deterministic";
import { type ModelFiles, openModel, weightsDigest } from "#libs/models";
import { type Dtype, narrow, type TensorData, tensorBytes, writeSafetensors } from "#libs/tensors";
import type { Method } from "../../method.ts";
import { type MergePlan, type MergeRequest, planMerge } from "../../plan/index.ts";

const never = new AbortController().signal;

/** A tensor of numbers that depend on a seed, of magnitudes that spread over some powers of two. */
export function randomTensor(name: string, dtype: Dtype, shape: readonly number[], seed: number): TensorData {
  const elements = shape.reduce((a, b) => a * b, 1);
  const data = new Uint8Array(tensorBytes(dtype, shape));
  if (dtype === "F64" || dtype === "F32" || dtype === "F16" || dtype === "BF16") {
    const values = new Float64Array(elements);
    for (let i = 0; i < elements; i++) values[i] = ((uint32(seed, i) - 2 ** 31) / 2 ** 31) * 2 ** (uint32(seed + 1, i) % 12);
    narrow(dtype, values, data);
  } else {
    for (let i = 0; i < data.length; i++) data[i] = i % 7;
  }
  return { name, dtype, shape, data };
}

/** Writes models as files of a folder and opens them. */
export async function writeModels(folder: string, models: readonly (readonly TensorData[])[]): Promise<ModelFiles[]> {
  return Promise.all(
    models.map(async (tensors, k) => {
      const path = join(folder, `model-${k}.safetensors`);
      await writeFile(path, writeSafetensors(tensors));
      return openModel(path);
    }),
  );
}

/** The plan of a merge of models, by default linear, into one file unless shards are asked for. */
export async function planOf(models: readonly ModelFiles[], given: Partial<MergeRequest> = {}): Promise<MergePlan> {
  const digests = await Promise.all(models.map((model) => weightsDigest(model, { signal: never })));
  const output = given.maxShardBytes === undefined ? { single: "out.safetensors" } : {};
  return planMerge({ method: "linear", models, digests, ...output, ...given });
}

/** Values of parameters that have no default, for a merge of so many models. */
export function neededParameters({ parameters }: Method, models: number) {
  const given = (scope: "merge" | "model") =>
    Object.fromEntries(
      parameters.filter((p) => p.default === undefined && p.scope === scope).map((p) => [p.name, p.type === "boolean" ? false : 0.5]),
    );
  return { merge: given("merge"), models: Array.from({ length: models }, () => given("model")) };
}
