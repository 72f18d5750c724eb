import type { TensorInfo } from "@tensorflow/tfjs-core";
import type { Tensor } from "../kernels.ts";

/** A tensor of a backend of tfjs. */
export type Info = Tensor & Pick<TensorInfo, "dataId">;

/** Runs a kernel of tfjs by name; what it gives belongs to the innermost scope. */
export type RunKernel = (name: string, inputs: Readonly<Record<string, Tensor>> | readonly Tensor[], attributes?: object) => Info;
