import type { Attribute, Binding } from "#libs/tensorflow";
import type { Arena } from "../arena.ts";
import type { Tensor } from "../kernels.ts";

/** A tensor of TensorFlow. */
export type Handle = Tensor & { readonly id: number };

/** Runs operations. */
export type Runner = {
  /** The first of the outputs of an operation, one by default; it belongs to the innermost scope. */
  run(operation: string, attributes: readonly Attribute[], inputs: readonly Tensor[], outputs?: number): Handle;
  /** A number, a list of whole numbers or one: made once, and kept. */
  constant(value: number): Handle;
  whole(values: number | readonly number[]): Handle;
};

/** There is no memory left on the accelerator, or here, for what a step needs. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
}

export function createRunner(binding: Binding, arena: Arena<Handle>): Runner {
  const constants = new Map<number, Handle>();
  const wholes = new Map<string, Handle>();
  return {
    run(operation, attributes, inputs, outputs = 1) {
      const ids = inputs.map((input) => (input as Handle).id);
      const [first, ...others] = execute(binding, operation, attributes, ids, outputs);
      for (const { id } of others) binding.deleteTensor(id);
      return arena.own(first!);
    },
    constant(value) {
      const known = constants.get(value);
      if (known) return known;
      const made = { id: binding.createTensor([], binding.TF_FLOAT, Float32Array.of(value)), shape: [] };
      constants.set(value, made);
      return made;
    },
    whole(values) {
      const key = String(values);
      const known = wholes.get(key);
      if (known) return known;
      const [shape, data] = typeof values === "number" ? [[], Int32Array.of(values)] : [[values.length], Int32Array.from(values)];
      const made = { id: binding.createTensor(shape, binding.TF_INT32, data), shape };
      wholes.set(key, made);
      return made;
    },
  };
}

/** Runs an operation. @throws OutOfMemoryError, or an Error with the operation's name and what TensorFlow says */
export function execute(
  binding: Binding,
  operation: string,
  attributes: readonly Attribute[],
  inputs: readonly number[],
  outputs: number,
): Handle[] {
  try {
    return binding.executeOp(operation, attributes, inputs, outputs);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // 8 is RESOURCE_EXHAUSTED.
    if (!/Invalid TF_Status: 8\b|out of memory|OOM when/i.test(message)) throw new Error(`${operation}: ${message}`, { cause: error });
    const device = binding.isUsingGpuDevice() ? "The GPU has" : "This machine has";
    const advice = "a smaller batch or smaller images need less, and so does a GPU that nobody else uses";
    throw new OutOfMemoryError(`${device} no memory left for a step of this training (${operation}): ${advice}`, { cause: error });
  }
}
