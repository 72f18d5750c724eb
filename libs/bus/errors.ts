/** Thrown by a handler: this message can never succeed. It goes to the dead letters with this message as the reason. */
export class PoisonError extends Error {
  override readonly name = "PoisonError";
}

/** Thrown by a handler: deliver this message again after `delayMs`. It counts as a delivery. */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly delayMs: number;

  constructor(delayMs: number, message = `to be delivered again in ${delayMs} ms`) {
    super(message);
    this.delayMs = delayMs;
  }
}
