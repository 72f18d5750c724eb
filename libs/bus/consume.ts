import type { DescMessage } from "@bufbuild/protobuf";
import { createPulse } from "#libs/concurrency";
import { PoisonError, RetryLater } from "./errors.ts";
import { decode } from "./topic.ts";
import { inConsumerSpan } from "./tracing.ts";
import type { Bus, ConsumeOptions, Delivery, Handler, Outcome, Topic } from "./types.ts";

/** Runs a handler over a subscription: one outcome per delivery, at most `concurrency` handlers at once. */
export async function consume<D extends DescMessage>(
  subscribe: Bus["subscribe"],
  on: Topic<D> | readonly Topic<D>[],
  options: ConsumeOptions,
  handler: Handler<D>,
): Promise<void> {
  const { durable, concurrency, ackWaitMs = 30_000, signal } = options;
  const topics = new Map([on].flat().map((topic) => [topic.subject, topic as Topic<D>]));
  if (signal.aborted) return;
  await using subscription = await subscribe({ durable, subjects: [...topics.keys()], concurrency, ackWaitMs });
  const stop = () => subscription.stop();
  signal.addEventListener("abort", stop, { once: true });
  const running = new Set<Promise<void>>();
  const ended = createPulse();
  try {
    if (signal.aborted) return;
    for await (const delivery of subscription) {
      const handled = handleDelivery(delivery, topics, options, handler).finally(() => {
        running.delete(handled);
        ended.beat();
      });
      running.add(handled);
      // The driver keeps the bound too; this one holds while it reconnects.
      if (running.size >= concurrency) await ended.changed(ended.version);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await Promise.all(running);
  }
}

async function handleDelivery<D extends DescMessage>(
  delivery: Delivery,
  topics: ReadonlyMap<string, Topic<D>>,
  options: ConsumeOptions,
  handler: Handler<D>,
): Promise<void> {
  const { ackWaitMs = 30_000, signal } = options;
  const settle = (outcome: Outcome) => delivery.settle(outcome).catch(() => undefined); // unsettled is delivered again
  const working = setInterval(() => void settle({ type: "working" }), Math.max(1, ackWaitMs / 3));
  try {
    const { message } = delivery;
    const outcome = await inConsumerSpan(delivery, options.durable, async () => {
      exhausted(delivery, options);
      const on = topics.get(message.subject);
      if (!on) throw new Error(`${options.durable} was given a message on ${message.subject}, for which it did not ask`);
      await handler(decode(on, message), { id: message.id, delivery: delivery.delivery, headers: message.headers, signal });
    }).then(
      (): Outcome => ({ type: "ack" }),
      (error: unknown) => outcomeOf(error, delivery, options),
    );
    clearInterval(working);
    await settle(outcome);
  } finally {
    clearInterval(working);
  }
}

/** A message that took its consumer down each time never reports an error: its deliveries are counted before the handler runs. */
function exhausted({ delivery }: Delivery, { maxDeliver = 10 }: ConsumeOptions): void {
  if (delivery > maxDeliver) throw new PoisonError(`delivered ${delivery - 1} times and never settled`);
}

function outcomeOf(error: unknown, { delivery }: Delivery, options: ConsumeOptions): Outcome {
  const { maxDeliver = 10, retryDelayMs = defaultRetryDelayMs, signal } = options;
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof PoisonError) return { type: "terminate", reason };
  if (signal.aborted) return { type: "nak", delayMs: 0 }; // given up because the consumer stops: it is for another one now
  if (delivery >= maxDeliver) return { type: "terminate", reason: `failed ${delivery} times, last: ${reason}` };
  return { type: "nak", delayMs: error instanceof RetryLater ? error.delayMs : retryDelayMs(delivery) };
}

function defaultRetryDelayMs(delivery: number): number {
  return Math.min(60_000, 250 * 2 ** delivery);
}
