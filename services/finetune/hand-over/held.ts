import { type Bus, type Delivery, decode, inConsumerSpan, type Outcome, PoisonError, type Topic } from "#libs/bus";
import { traceHeaders } from "#libs/telemetry";
import { ACK_WAIT_MS } from "#libs/topics";
import type { JobOfferedSchema } from "#proto/ratatouille/v1/events_pb.ts";

/** Who takes work from the bus. */
export const DURABLE = "trainer";

/** A message of work in hand: it is nobody else's until it is settled, for as long as this process lives. */
export type Held = {
  /** Of the message. */
  readonly id: string;
  readonly subject: string;
  /** The job that it offers. */
  readonly jobId: string;
  /** How often it was delivered, this time included. */
  readonly delivery: number;
  /** Gives it out of the hand, with an outcome. Only the first time counts. */
  settle(outcome: Outcome): void;
  /** It is in hand a second time, by a later delivery: this one says nothing more. */
  forget(): void;
  /** Notes in the trace of the message that it is handed on, and gives the `traceparent` for what is done about it; "" without a trace. */
  handOn(): Promise<string>;
};

/**
 * Keeps a delivery in hand, by saying three times in its lease that it is worked on.
 * @param onEnd is called once, when it is in hand no more
 * @returns undefined for a message that offers no job: it goes to the dead letters
 */
export function hold(delivery: Delivery, topic: Topic<typeof JobOfferedSchema>, onEnd: () => void): Held | undefined {
  const { message } = delivery;
  const send = (outcome: Outcome) => void delivery.settle(outcome).catch(() => undefined); // unsettled is delivered again
  let over = false;
  const end = (): boolean => {
    if (over) return false;
    over = true;
    clearInterval(working);
    onEnd();
    return true;
  };
  const working = setInterval(() => send({ type: "working" }), ACK_WAIT_MS / 3);
  const settle = (outcome: Outcome) => {
    if (end()) send(outcome);
  };
  try {
    const { jobId } = decode(topic, message);
    return {
      id: message.id,
      subject: message.subject,
      jobId,
      delivery: delivery.delivery,
      settle,
      forget: () => void end(),
      handOn: () => inConsumerSpan(delivery, DURABLE, async () => traceHeaders()["traceparent"] ?? ""),
    };
  } catch (error) {
    if (!(error instanceof PoisonError)) throw error;
    settle({ type: "terminate", reason: error.message });
    return undefined;
  }
}

/** What a hand-over needs of the bus. */
export type WorkBus = Pick<Bus, "subscribe">;
