import { pow } from "#libs/deterministic";

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** The state of an optimisation: parameters, gradient, and the moving means of the gradient and of its square. */
export type Optimised = {
  readonly parameters: Float32Array;
  readonly gradient: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
};

/**
 * One step of Adam (https://arxiv.org/abs/1412.6980, algorithm 1) with L2 weight decay added to the gradient, as torch.optim.Adam does it.
 * Sums and roots are rounded once to 32 bits where they are stored, which every JavaScript engine does alike.
 * @param step from 1.
 */
export function adam(
  { parameters, gradient, firstMoment, secondMoment }: Optimised,
  step: number,
  rate: number,
  weightDecay: number,
): void {
  const stepSize = rate / (1 - pow(BETA1, step));
  const correction = 1 / Math.sqrt(1 - pow(BETA2, step));
  for (let i = 0; i < parameters.length; i += 1) {
    const parameter = parameters[i]!;
    const g = gradient[i]! + weightDecay * parameter;
    const m = BETA1 * firstMoment[i]! + (1 - BETA1) * g;
    const v = BETA2 * secondMoment[i]! + (1 - BETA2) * g * g;
    firstMoment[i] = m;
    secondMoment[i] = v;
    parameters[i] = parameter - (stepSize * m) / (Math.sqrt(v) * correction + EPSILON);
  }
}
