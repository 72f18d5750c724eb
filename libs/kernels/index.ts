export { crc32c } from "./crc32c.ts";
export { exactWeight, splitWeight } from "./exact-weight.ts";
export { loadKernels } from "./kernels.ts";
export {
  type CombineArguments,
  type DropoutArguments,
  ELEMENT_BYTES,
  type ElectionArguments,
  type ElementType,
  type FoldArguments,
  type GramArguments,
  type HistogramArguments,
  type Kernels,
  type LinearArguments,
  MAX_GRAM_INPUTS,
  MAX_INPUTS,
  type MeanArguments,
  type SparseArguments,
  type Thinning,
} from "./types.ts";
