import { BETA1, BETA2, EPSILON, powersAt } from "../adam.ts";
import type { Kernels, Tensor, Variable, VariableState } from "../kernels.ts";

/** A variable whose numbers are JavaScript's: its kernels have no Adam. */
export function createVariable(
  tensor: Kernels["tensor"],
  view: (x: Tensor) => Float32Array,
  shape: readonly number[],
  state: VariableState,
): Variable {
  const parameters = state.parameters.slice();
  const firstMoment = state.firstMoment.slice();
  const secondMoment = state.secondMoment.slice();
  return {
    shape,
    read: () => tensor(parameters.slice(), shape),
    parameters: () => parameters.slice(),
    state: () => ({ parameters: parameters.slice(), firstMoment: firstMoment.slice(), secondMoment: secondMoment.slice() }),
    adam(gradient, { step, learningRate, weightDecay }) {
      const [power1, power2] = powersAt(step);
      const size = learningRate / (1 - power1);
      const correction = 1 / Math.sqrt(1 - power2);
      const numbers = view(gradient);
      for (let i = 0; i < parameters.length; i += 1) {
        const parameter = parameters[i]!;
        const g = numbers[i]! + weightDecay * parameter;
        const m = BETA1 * firstMoment[i]! + (1 - BETA1) * g;
        const v = BETA2 * secondMoment[i]! + (1 - BETA2) * g * g;
        firstMoment[i] = m;
        secondMoment[i] = v;
        parameters[i] = parameter - (size * m) / (Math.sqrt(v) * correction + EPSILON);
      }
    },
    dispose() {},
  };
}
