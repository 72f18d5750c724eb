import { exp, ln } from "#libs/deterministic";

/**
 * Mean softmax cross-entropy of a batch and its gradient, in place.
 * @param logits [classes, examples]; becomes the gradient, (softmax - one-hot) / examples.
 * @returns the loss in nats; not finite if a logit is not.
 */
export function crossEntropy(logits: Float32Array, labels: Int32Array, classes: number): number {
  const examples = labels.length;
  let loss = 0;
  for (let example = 0; example < examples; example += 1) {
    let largest = logits[example]!;
    for (let i = example + examples; i < logits.length; i += examples) largest = Math.max(largest, logits[i]!);
    const own = labels[example]! * examples + example;
    const ownLogit = logits[own]!;
    let sum = 0;
    for (let i = example; i < logits.length; i += examples) {
      const power = exp(logits[i]! - largest);
      logits[i] = power;
      sum += power;
    }
    const share = 1 / (sum * examples);
    for (let k = 0, i = example; k < classes; k += 1, i += examples) logits[i] = logits[i]! * share;
    logits[own] = logits[own]! - 1 / examples;
    loss += ln(sum) - (ownLogit - largest);
  }
  return loss / examples;
}
