import type { Batch } from "#libs/batches";
import type { Steps } from "#libs/concurrency";
import type { Network } from "#libs/networks";
import { crossEntropy } from "../engines/cross-entropy.ts";
import type { Tensor } from "../engines/kernels.ts";
import type { Model } from "../engines/network/model.ts";
import { gradientPass } from "../engines/network/passes.ts";
import type { Plan } from "../engines/network/plan.ts";
import { NonFiniteLossError } from "../errors.ts";
import { dropoutMasks } from "./dropout.ts";
import { enter } from "./pictures.ts";

export type StepOptions = {
  readonly seed: number;
  /** Counted from 1 over the whole training, and since Adam began. */
  readonly step: number;
  readonly adamStep: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly dropout: number;
};

/**
 * One step: the mean cross-entropy over the rows of a batch, its gradient, and Adam. Each operation of the network is a step of the
 * computation. Tensors after it are those before it.
 * @returns the loss before the update.
 * @throws NonFiniteLossError; then nothing is updated.
 */
export function* trainStep(model: Model, plan: Plan, network: Network, batch: Batch, options: StepOptions): Steps<number> {
  const { kernels, variables } = model;
  const { seed, step, adamStep, learningRate, weightDecay, dropout } = options;
  const pass = model.openPass(dropout > 0 ? dropoutMasks(kernels, { seed, step, rate: dropout }) : undefined);
  let loss = Number.NaN;
  let gradients: ReadonlyMap<string, Tensor>;
  try {
    gradients = yield* gradientPass(pass, plan, enter(kernels, network, batch), (logits) => {
      const result = crossEntropy(logits, batch.labels);
      loss = result.loss;
      if (!Number.isFinite(loss)) throw new NonFiniteLossError(step, learningRate);
      return result.gradient;
    });
  } finally {
    // What reads the variables has to be gone before Adam changes them.
    pass.close();
  }
  try {
    for (const [name, gradient] of gradients) {
      variables.get(name)!.adam(gradient, { step: adamStep, learningRate, weightDecay });
      yield;
    }
  } finally {
    for (const gradient of gradients.values()) kernels.dispose(gradient);
  }
  return loss;
}
