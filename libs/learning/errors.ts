/** A loss or a weight is not a finite number any more. Trying again gives the same. */
export class NonFiniteLossError extends Error {
  override readonly name = "NonFiniteLossError";
  readonly step: number;
  readonly learningRate: number;
  constructor(step: number, learningRate: number) {
    super(`The loss is not finite at step ${step} with learning rate ${learningRate}; a smaller learning rate may help`);
    this.step = step;
    this.learningRate = learningRate;
  }
}

/** Data or weights that do not fit a training, or each other. Trying again gives the same. */
export class UnfitInputError extends RangeError {
  override readonly name = "UnfitInputError";
}
