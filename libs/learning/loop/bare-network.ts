import type { Batch } from "#libs/batches";
import { finish } from "#libs/concurrency";
import type { Network, NetworkWeights } from "#libs/networks";
import type { Engine } from "../engines/kernels.ts";
import { createModel } from "../engines/network/model.ts";
import { planOf } from "../engines/network/plan.ts";
import { trainStep } from "./step.ts";

/** Steps of a training on one batch and nothing else, for benchmarks. */
export type BareNetwork = Disposable & {
  /** Runs some steps, and returns the milliseconds that they took. */
  run(steps: number): number;
};

/** Prepares steps on one batch that train everything. */
export function runNetworkSteps({
  engine,
  network,
  weights,
  batch,
}: {
  readonly engine: Engine;
  readonly network: Network;
  readonly weights: NetworkWeights;
  readonly batch: Batch;
}): BareNetwork {
  const plan = planOf(network);
  const model = createModel(engine.kernels, network, weights, { trains: () => true });
  let step = 0;
  return {
    run(steps) {
      const start = performance.now();
      for (const last = step + steps; step < last; ) {
        step += 1;
        const options = { seed: 1, step, adamStep: step, learningRate: 1e-4, weightDecay: 1e-4, dropout: 0 };
        finish(trainStep(model, plan, network, batch, options));
      }
      return performance.now() - start;
    },
    [Symbol.dispose]: () => model[Symbol.dispose](),
  };
}
