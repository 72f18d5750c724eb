export { crc32c } from "./crc32c.ts";
export { loadKernels } from "./kernels.ts";
export {
  type AddProductsArguments,
  type CombineArguments,
  ELEMENT_BYTES,
  type ElectionArguments,
  type ElementType,
  type GramArguments,
  type Kernels,
  type LinearArguments,
  MAX_GRAM_INPUTS,
  MAX_INPUTS,
  type MeanArguments,
  type ResizeColumnsArguments,
  type ResizeLinesArguments,
  type SparseArguments,
  type Thinning,
  type Windows,
} from "./types.ts";
