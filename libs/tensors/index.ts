export { type Box, boxOf, type Slice } from "./boxes.ts";
export { cutIntoChunks, type FileChunk } from "./chunks.ts";
export { coordinates, placeText } from "./coordinates.ts";
export { type Dtype, type DtypeInfo, dtypes, isDtype, tensorBytes } from "./dtypes.ts";
export { SafetensorsError, type SafetensorsRule, TensorTypeError } from "./errors.ts";
export { type Float32Tensor, loadFloat32, saveFloat32 } from "./float32.ts";
export {
  MAX_HEADER_BYTES,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type SafetensorsLimits,
  safetensorsHeaderLength,
  type TensorEntry,
} from "./header.ts";
export { mainDtype, numbersOf } from "./main-dtype.ts";
export { matchesName } from "./name-pattern.ts";
export { type NarrowDtype, narrow } from "./narrow.ts";
export { readAhead } from "./read-ahead.ts";
export { openSafetensors, type SafetensorsFile } from "./reader.ts";
export { type ByteSource, bytesSource, fileSource, joinedSource } from "./source.ts";
export { type FloatTensor, type IntegerTensor, loadWeights, saveWeights, type WeightTensor, weightTensor } from "./weights.ts";
export { isWidenable, type WidenableDtype, widen } from "./widen.ts";
export { type Metadata, planSafetensors, type SafetensorsPlan, type TensorData, type TensorLayout, writeSafetensors } from "./writer.ts";
