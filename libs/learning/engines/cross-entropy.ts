import { exp, ln } from "#libs/deterministic";

/**
 * Mean softmax cross-entropy of logits, [count, classes] row by row, and its gradient, (softmax - one-hot) / count.
 * @returns the loss in nats; not finite if a logit is not.
 */
export function crossEntropy(logits: Float32Array, labels: Int32Array): { loss: number; gradient: Float32Array } {
  const count = labels.length;
  const classes = logits.length / count;
  const gradient = new Float32Array(logits.length);
  let loss = 0;
  for (let row = 0; row < count; row += 1) {
    const own = logits.subarray(row * classes, (row + 1) * classes);
    const largest = own.reduce((most, logit) => Math.max(most, logit));
    const powers = Float64Array.from(own, (logit) => exp(logit - largest));
    const sum = powers.reduce((all, power) => all + power);
    const label = labels[row]!;
    powers.forEach((power, k) => {
      gradient[row * classes + k] = (power / sum - (k === label ? 1 : 0)) / count;
    });
    loss += ln(sum) - (own[label]! - largest);
  }
  return { loss: loss / count, gradient };
}
