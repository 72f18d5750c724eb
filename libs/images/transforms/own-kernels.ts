import { type Kernels, loadKernels } from "#libs/kernels";

let kernels: Kernels | undefined;

/** The kernels of this thread, with nothing in their memory. */
export function freshKernels(): Kernels {
  kernels ??= loadKernels();
  kernels.release();
  return kernels;
}
