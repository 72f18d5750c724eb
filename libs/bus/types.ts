import type { DescMessage, MessageShape } from "@bufbuild/protobuf";

/** A message as it travels. Headers carry the W3C trace context and the type name. Never weights: all of it stays below 1 MB. */
export type BusMessage = {
  readonly id: string;
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
};

/** What becomes of a delivery. `nak`: again after `delayMs`. `terminate`: to the dead letters. `working`: the lease starts anew. */
export type Outcome = { type: "ack" } | { type: "nak"; delayMs: number } | { type: "terminate"; reason: string } | { type: "working" };

/** One message in the hands of one consumer. */
export type Delivery = {
  readonly message: BusMessage;
  /** Position of the message in its queue. */
  readonly sequence: bigint;
  /** 1 for the first delivery. */
  readonly delivery: number;
  /** Settles or extends the delivery. A late settlement, after the message was delivered again, changes nothing. */
  settle(outcome: Outcome): Promise<void>;
};

/** A durable's wish for messages of some subjects. */
export type SubscribeOptions = {
  /** Name of the durable consumer: letters, digits, "_" and "-", at most 64. Several subscriptions of one durable share its messages: each goes to one of them. */
  durable: string;
  /** 1 to 100, without wildcards. */
  subjects: readonly string[];
  /** Unsettled deliveries at once, of all subjects together: 1 to 1000. */
  concurrency: number;
  /** A delivery that is neither settled nor extended for so long is delivered again. A day at most. */
  ackWaitMs: number;
};

/**
 * A running subscription: iterate its deliveries, first published first. `stop()` ends the iteration; deliveries in hand may
 * still be settled. `limit()` says anew how many unsettled deliveries there may be at once, 0 or more: of those that are in hand already
 * none is taken away. Disposing it hands back at once what is unsettled.
 */
export type Subscription = AsyncIterable<Delivery> & AsyncDisposable & { stop(): void; limit(concurrency: number): void };

/** A message that was given up. */
export type DeadLetter = {
  readonly message: BusMessage;
  readonly durable: string;
  readonly reason: string;
  readonly deliveries: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
};

/** What a watcher wants to see. */
export type WatchOptions = {
  /** Without wildcards. */
  subjects: readonly string[];
  /** Milliseconds since 1970: what was published from then on, as far as it is kept. Without it: what is published from now on. */
  sinceMs?: number;
  signal: AbortSignal;
};

/** A message as watchers see it: with the time when it was stored, in milliseconds since 1970. */
export type WatchedMessage = BusMessage & { readonly atMs: number };

/** What an implementation of the bus provides; the same contract tests run on each. */
export type BusDriver = {
  publish(message: BusMessage, options: { signal?: AbortSignal }): Promise<void>;
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  deadLetters(options: { signal?: AbortSignal }): Promise<DeadLetter[]>;
  unsettled(subject: string): Promise<number>;
  watch(options: WatchOptions): AsyncIterable<WatchedMessage>;
  check(): Promise<void>;
  onReset(listener: (beforeMs: number) => void): Disposable;
  close(): Promise<void>;
};

/** How a durable consumes. */
export type ConsumeOptions = {
  durable: string;
  /** Handlers running at once, over all topics. */
  concurrency: number;
  /** Lease of one delivery, 30 s by default. It is extended while the handler runs; it ends early only with the process. */
  ackWaitMs?: number;
  /** Deliveries of one message before it goes to the dead letters, 10 by default. */
  maxDeliver?: number;
  /** Wait before delivery n + 1 after a failure of delivery n. By default 0.5 s doubled each time, 60 s at most. */
  retryDelayMs?: (delivery: number) => number;
  /** Ends the consumption. Running handlers see it in their delivery. */
  signal: AbortSignal;
};

/** What a handler learns beside the message. */
export type DeliveryContext = {
  readonly id: string;
  readonly delivery: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** Handles one message, at least once: it is idempotent. Returning is the ack. */
export type Handler<D extends DescMessage> = (message: MessageShape<D>, delivery: DeliveryContext) => Promise<void>;

/** Publish and durable consumption, at least once, each message to one consumer of each durable, first published first. */
export type Bus = AsyncDisposable & {
  /**
   * Resolves once the message is stored. A message with an id that was published before is dropped.
   * @throws BusRefusedError where trying again cannot help: it is too large, for example, or nothing keeps its subject
   */
  publish(message: BusMessage, options?: { signal?: AbortSignal }): Promise<void>;
  /** Runs the handler on every message of the topics. Resolves when the signal aborts and the running handlers have ended. */
  consume<D extends DescMessage>(on: Topic<D> | readonly Topic<D>[], options: ConsumeOptions, handler: Handler<D>): Promise<void>;
  /** Deliveries without a handler around them; for programs that hand them on. @throws RangeError for options that no bus can have */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** The messages that were given up, oldest first; the last 1000 of them. */
  deadLetters(options?: { signal?: AbortSignal }): Promise<DeadLetter[]>;
  /** How many messages of a subject of a work queue are not settled: those that wait, and those that somebody has in hand. */
  unsettled(subject: string): Promise<number>;
  /**
   * Follows some subjects, for people: it takes nothing away from anybody and remembers nothing. Events come in the order of their
   * streams, over lost connections too, until the signal aborts. Work is seen while it is there: what is done is gone.
   */
  watch(options: WatchOptions): AsyncIterable<WatchedMessage>;
  /** Rejects, soon, with the reason while messages cannot be stored and fetched. */
  check(): Promise<void>;
  /**
   * Hears that what was published before a time may be gone, in milliseconds since 1970: at the first connection, when the broker's streams
   * were made; and Infinity whenever it is found without what it had, as with an empty store. A listener that comes after that hears of
   * it at once. Never heard from a local bus.
   */
  onReset(listener: (beforeMs: number) => void): Disposable;
};

/** A subject and the schema of its payload. Handlers and publishers name topics, never bare subjects. */
export type Topic<D extends DescMessage> = { readonly subject: string; readonly schema: D };
