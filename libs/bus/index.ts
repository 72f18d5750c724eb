export { BusRefusedError, BusUnavailableError, PoisonError, RetryLater } from "./errors.ts";
export type { NatsAccess } from "./jetstream/access.ts";
export { connectJetStream } from "./jetstream/connect.ts";
export type { JetStreamOptions } from "./jetstream/jetstream-bus.ts";
export { openLocalBus } from "./local/local-bus.ts";
export { createOutbox, type Outbox, type OutboxEntry, type OutboxTables, outboxMigration } from "./outbox.ts";
export type { ConsumerDeclaration, StreamDeclaration } from "./streams.ts";
export { decode, event, topic } from "./topic.ts";
export { inConsumerSpan } from "./tracing.ts";
export type {
  Bus,
  BusMessage,
  ConsumeOptions,
  DeadLetter,
  Delivery,
  DeliveryContext,
  Handler,
  Outcome,
  SubscribeOptions,
  Subscription,
  Topic,
  WatchedMessage,
  WatchOptions,
} from "./types.ts";
