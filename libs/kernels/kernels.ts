import { loadTwins } from "./twins/twins.ts";
import type { Kernels } from "./types.ts";

/** The kernels with a memory of their own. Each thread loads its own. */
export function loadKernels(): Kernels {
  return loadTwins();
}
