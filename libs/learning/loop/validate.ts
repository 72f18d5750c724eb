import type { Batch } from "#libs/batches";
import { finishInTurns } from "#libs/concurrency";
import type { Network } from "#libs/networks";
import type { Model } from "../engines/network/model.ts";
import { forwardPass } from "../engines/network/passes.ts";
import type { Plan } from "../engines/network/plan.ts";
import { UnfitInputError } from "../errors.ts";
import { checkLabels, enter } from "./pictures.ts";

/** One pass over the validation pictures of a domain. */
export type ValidationPass = () => AsyncIterable<Batch>;

/** The mean over domains of the accuracy on each: those of different sizes count alike. The class of a picture is its first largest logit. */
export async function validate(
  model: Model,
  plan: Plan,
  network: Network,
  domains: readonly ValidationPass[],
  signal?: AbortSignal,
): Promise<number> {
  const accuracies: number[] = [];
  for (const pictures of domains) {
    let correct = 0;
    let count = 0;
    for await (const batch of pictures()) {
      checkLabels(batch, network);
      const logits = await logitsOf(model, plan, network, batch, signal);
      for (const [row, label] of batch.labels.entries())
        if (firstLargest(logits.subarray(row * network.classes, (row + 1) * network.classes)) === label) correct += 1;
      count += batch.rows;
    }
    if (count > 0) accuracies.push(correct / count);
  }
  if (accuracies.length === 0) throw new UnfitInputError("A training that is validated needs images to validate on; no domain has any");
  return accuracies.reduce((sum, accuracy) => sum + accuracy, 0) / accuracies.length;
}

/** The logits of a batch, [rows, classes]. */
export async function logitsOf(model: Model, plan: Plan, network: Network, batch: Batch, signal?: AbortSignal): Promise<Float32Array> {
  const pass = model.openPass();
  try {
    return await finishInTurns(forwardPass(pass, plan, enter(model.kernels, network, batch)), signal);
  } finally {
    pass.close();
  }
}

function firstLargest(logits: Float32Array): number {
  return logits.reduce((best, logit, k) => (logit > logits[best]! ? k : best), 0);
}
