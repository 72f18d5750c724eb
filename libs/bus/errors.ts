import type { BusMessage, SubscribeOptions, WatchOptions } from "./types.ts";

/** Thrown by a handler: this message can never succeed. It goes to the dead letters with this message as the reason. */
export class PoisonError extends Error {
  override readonly name = "PoisonError";
}

/** The bus will never take this message, or never consume or watch so, however often it is asked. */
export class BusRefusedError extends RangeError {
  override readonly name = "BusRefusedError";
  /** What is wrong: a field of the message, or of the options. */
  readonly field: keyof BusMessage | keyof SubscribeOptions | keyof WatchOptions;
  constructor(field: BusRefusedError["field"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.field = field;
  }
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
