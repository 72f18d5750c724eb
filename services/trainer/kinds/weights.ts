import type { NetworkWeights } from "#libs/networks";
import { fileSource, openSafetensors, planSafetensors, type WeightTensor, weightTensor } from "#libs/tensors";

/** The tensors of a safetensors file: floats as F32, whole numbers as they are. One is read after the other. @throws SafetensorsError, TensorTypeError */
export async function readWeights(path: string): Promise<Map<string, WeightTensor>> {
  await using source = await fileSource(path);
  const file = await openSafetensors(source);
  const weights = new Map<string, WeightTensor>();
  for (const name of file.names) weights.set(name, weightTensor(name, file.header.tensors.get(name)!, await file.read(name)));
  return weights;
}

/** The safetensors file of weights, tensor by tensor: it is in memory nowhere. */
export async function* weightsFile(weights: NetworkWeights): AsyncGenerator<Uint8Array, void, undefined> {
  const tensors = [...weights].map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, data }));
  const { header, offsets } = planSafetensors(tensors, { format: "pt" });
  yield header;
  for (const name of offsets.keys()) {
    const { buffer, byteOffset, byteLength } = weights.get(name)!.data;
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
}
