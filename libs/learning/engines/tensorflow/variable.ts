import type { Binding } from "#libs/tensorflow";
import { BETA1, BETA2, EPSILON, powersAt } from "../adam.ts";
import type { Arena } from "../arena.ts";
import type { Tensor, Variable, VariableState } from "../kernels.ts";
import { attributesOf } from "./attributes.ts";
import { execute, type Handle, type Runner } from "./runner.ts";

/** What moments are multiplied by because TensorFlow takes betas that are rounded to 32 bits from 1: the second one, under the root, by 6e-6. */
const ROUNDING1 = (1 - Math.fround(BETA1)) / (1 - BETA1);
const ROUNDING2 = Math.sqrt((1 - Math.fround(BETA2)) / (1 - BETA2));

let made = 0;

/** A variable of TensorFlow's, and two for its moments, which ApplyAdam changes in place. */
export function createVariable(
  binding: Binding,
  arena: Arena<Handle>,
  { constant, run }: Runner,
  shape: readonly number[],
  state: VariableState,
): Variable {
  const attributes = attributesOf(binding);
  const type = [attributes.floats("dtype")];
  const resource = (numbers: Float32Array): Handle => {
    made += 1;
    const named = [attributes.text("container", ""), attributes.text("shared_name", `variable-${made}`)];
    const [handle] = execute(binding, "VarHandleOp", [...named, ...type, attributes.shape("shape", shape)], [], 1);
    const value = binding.createTensor(shape, binding.TF_FLOAT, numbers.slice());
    // A copy of TensorFlow's own, so that it is changed in place and nothing of JavaScript's is written to.
    const [copied] = execute(binding, "Mul", [attributes.floats()], [value, constant(1).id], 1);
    execute(binding, "AssignVariableOp", type, [handle!.id, copied!.id], 0);
    for (const id of [value, copied!.id]) binding.deleteTensor(id);
    return handle!;
  };
  const [parameters, first, second] = [state.parameters, state.firstMoment, state.secondMoment].map(resource) as [Handle, Handle, Handle];
  const read = ({ id }: Handle) => ({ ...execute(binding, "ReadVariableOp", type, [id], 1)[0]!, shape });
  const numbers = (handle: Handle) => {
    const { id } = read(handle);
    const copy = binding.tensorDataSync(id) as Float32Array;
    binding.deleteTensor(id);
    return copy;
  };
  const adamAttributes = [attributes.floats(), attributes.flag("use_locking", false), attributes.flag("use_nesterov", false)];
  return {
    shape,
    read: () => arena.own(read(parameters)),
    parameters: () => numbers(parameters),
    state: () => ({ parameters: numbers(parameters), firstMoment: numbers(first), secondMoment: numbers(second) }),
    adam(gradient, { step, learningRate, weightDecay }) {
      const [power1, power2] = powersAt(step);
      // All corrections in the rate, in 64 bits; as powers of the betas TensorFlow would round them to 32 before it takes them from 1. It adds
      // epsilon before the second moment is corrected, torch afterwards.
      const correction = Math.sqrt(1 - power2);
      const rate = (((learningRate * correction) / (1 - power1)) * ROUNDING2) / ROUNDING1;
      const scalars = [0, 0, rate, BETA1, BETA2, EPSILON * correction * ROUNDING2];
      arena.scope(
        () => {
          const decayed = weightDecay === 0 ? gradient : withDecay(gradient, weightDecay);
          const inputs = scalars.map((value) =>
            arena.own({ id: binding.createTensor([], binding.TF_FLOAT, Float32Array.of(value)), shape: [] }),
          );
          const ids = [parameters, first, second, ...inputs, decayed as Handle].map(({ id }) => id);
          execute(binding, "ResourceApplyAdam", adamAttributes, ids, 0);
        },
        () => [],
      );
    },
    dispose() {
      for (const { id } of [parameters, first, second]) {
        execute(binding, "DestroyResourceOp", [attributes.flag("ignore_lookup_error", true)], [id], 0);
        binding.deleteTensor(id);
      }
    },
  };

  /** gradient + decay · parameters. What reads the parameters is gone before they change, or they would be copied first. */
  function withDecay(gradient: Tensor, decay: number): Tensor {
    const value = arena.own(read(parameters));
    const pulled = run("Mul", [attributes.floats()], [value, constant(decay)]);
    arena.dispose(value);
    return run("AddV2", [attributes.floats()], [gradient, pulled]);
  }
}
