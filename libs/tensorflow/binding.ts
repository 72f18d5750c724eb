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
  const require = createRequire(import.meta.url);
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
  // Bun keeps what is set there to itself: libraries in C do not see it.
  if (process.versions["bun"] !== undefined)
    setForLibraries(require("bun:ffi"), "TF_CPP_MIN_LOG_LEVEL", process.env["TF_CPP_MIN_LOG_LEVEL"]);
  return require(path) as Binding;
}

/** What this file uses of bun:ffi. */
type Ffi = {
  dlopen(library: string, symbols: object): { readonly symbols: { setenv(name: Uint8Array, value: Uint8Array, replace: number): number } };
};

function setForLibraries({ dlopen }: Ffi, name: string, value: string): void {
  const { setenv } = dlopen("libc.so.6", { setenv: { args: ["cstring", "cstring", "i32"], returns: "i32" } }).symbols;
  setenv(Buffer.from(`${name}\0`), Buffer.from(`${value}\0`), 1);
}
