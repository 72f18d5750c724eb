import { createRequire } from "node:module";

/** An attribute of an operation, as TensorFlow's registry names it. */
export type Attribute = { readonly name: string; readonly type: number; readonly value: unknown };

/** What an operation gives: the number by which the binding knows the tensor. */
export type TensorHandle = { readonly id: number; readonly shape: readonly number[]; readonly dtype: number };

/** The Node-API module of @tensorflow/tfjs-node 4.22: TensorFlow's operations, one at a time, by name. Tensors live until they are deleted. */
export type Binding = {
  /** A tensor of numbers that must not change while it lives: it may share the memory. */
  createTensor(shape: readonly number[], dtype: number, data: Float32Array | Int32Array | Uint8Array): number;
  deleteTensor(id: number): void;
  /** A copy of the numbers. */
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  /** @throws Error with TensorFlow's message */
  executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): TensorHandle[];
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_UINT8: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
};

/** Loads the module, and TensorFlow with it; a process has it once. Of TensorFlow's log it shows errors. @throws Error if it cannot be loaded */
export function loadBinding(path: string): Binding {
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
  return createRequire(import.meta.url)(path) as Binding;
}
