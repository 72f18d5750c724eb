import { type Kernels, loadKernels } from "#libs/kernels";
import type { Picture } from "../picture.ts";

let kernels: Kernels | undefined;

/** The kernels of this thread, with nothing in their memory. */
export function freshKernels(): Kernels {
  kernels ??= loadKernels();
  kernels.release();
  return kernels;
}

/** The picture after something was done to its bytes, in the memory of the kernels. */
export function inKernels(picture: Picture, change: (kernels: Kernels, address: number, bytes: number) => void): Picture {
  const { length } = picture.pixels;
  const kernels = freshKernels();
  const address = kernels.allocate(length);
  kernels.bytes(address, length).set(picture.pixels);
  change(kernels, address, length);
  return { ...picture, pixels: kernels.bytes(address, length).slice() };
}
