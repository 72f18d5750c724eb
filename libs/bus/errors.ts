/** Thrown by a handler: this message can never succeed. It goes to the dead letters with this message as the reason. */
export class PoisonError extends Error {
  override readonly name = "PoisonError";
}

/** The bus will never take this message, however often it is published. */
export class MessageRefusedError extends RangeError {
  override readonly name = "MessageRefusedError";
}

/** Messages cannot be stored and fetched now, for example because the broker is away. Trying again later may help. */
export class BusUnavailableError extends Error {
  override readonly name = "BusUnavailableError";
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
