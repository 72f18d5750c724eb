import { createInbox, type Msg, nanos, type Subscription } from "@nats-io/transport-node";
import { after } from "#libs/concurrency";
import type { PullConsumer } from "./declared.ts";
import type { Session } from "./link.ts";

/** Asks the pull consumers of a subscription for messages. Each comes to `accept`, also one that comes late. */
export type Pull = AsyncDisposable & {
  /** Asks for one message that is there. True if one came. @throws Error if the consumer cannot be asked */
  ask(consumer: PullConsumer): Promise<boolean>;
  /** Waits at all consumers for the next message, until one came, the signal aborts, or some time has passed. */
  stand(consumers: readonly PullConsumer[], signal: AbortSignal): Promise<void>;
};

/** An answer to a request: a message came, there is none, or something is wrong. */
type Answer = "message" | "none" | Error;

/** So long a request stands; then the next one does. */
const STAND_MS = 30_000;
/** A server that has not answered by then does not. */
const ANSWER_MS = 2_000;

/** Makes the requests of one session. */
export function openPull({ connection, lost }: Session, accept: (message: Msg) => void): Pull {
  const inbox = createInbox();
  let answered: ((answer: Answer) => void) | undefined;
  const answers = connection.subscribe(inbox, {
    callback: (error, message) => {
      const answer = error ?? answerOf(message);
      if (answer === "message") accept(message);
      answered?.(answer);
    },
  });
  const request = ({ stream, name }: PullConsumer, reply: string, more: object) =>
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, JSON.stringify({ batch: 1, ...more }), { reply });

  return {
    async ask(consumer) {
      const answer = await answerWithin(ANSWER_MS, lost, (resolve) => {
        answered = resolve;
        request(consumer, inbox, { no_wait: true });
      });
      answered = undefined;
      if (answer instanceof Error) throw answer;
      return answer === "message";
    },
    async stand(consumers, signal) {
      const standing = createInbox();
      let open = consumers.length;
      let subscription: Subscription | undefined;
      try {
        const ended = await answerWithin(STAND_MS + ANSWER_MS, AbortSignal.any([signal, lost]), (resolve) => {
          subscription = connection.subscribe(standing, {
            callback: (error, message) => {
              const answer = error ?? answerOf(message);
              if (answer === "message") accept(message);
              open--;
              if (answer !== "none" || open === 0) resolve(answer);
            },
          });
          for (const consumer of consumers) request(consumer, standing, { expires: nanos(STAND_MS) });
        });
        if (ended instanceof Error && !signal.aborted) throw ended;
      } finally {
        // The server drops the requests that nobody listens to; what it has sent until then still comes.
        if (subscription) await orLost(subscription.drain(), lost);
      }
    },
    async [Symbol.asyncDispose]() {
      await orLost(answers.drain(), lost);
    },
  };
}

function answerOf({ data, headers }: Msg): Answer {
  if (data.length > 0 || !headers?.code) return "message";
  // 404: nothing there. 408: the time is over, or others wait for the same.
  if (headers.code === 404 || headers.code === 408) return "none";
  return new Error(`the consumer cannot be asked: ${headers.code} ${headers.description}`);
}

/** What `start` resolves with, or an error when the time is over or the signal aborts. */
async function answerWithin(ms: number, signal: AbortSignal, start: (resolve: (answer: Answer) => void) => void): Promise<Answer> {
  if (signal.aborted) return new Error("ended");
  const { promise, resolve } = Promise.withResolvers<Answer>();
  using _ = after(ms, () => resolve(new Error(`no answer in ${ms} ms`)));
  const onAbort = () => resolve(new Error("ended"));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    start(resolve);
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** A drain waits for the server's word, which does not come over a lost connection. */
async function orLost(drained: Promise<void>, lost: AbortSignal): Promise<void> {
  if (lost.aborted) return void drained.catch(() => undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  const onLost = () => resolve();
  lost.addEventListener("abort", onLost, { once: true });
  await Promise.race([drained.catch(() => undefined), promise]);
  lost.removeEventListener("abort", onLost);
}
