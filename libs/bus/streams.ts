/** A JetStream stream: where the messages of some subjects are kept. */
export type StreamDeclaration = {
  /** Upper case words joined by "_". */
  readonly name: string;
  /** Subjects without wildcards, or all below one: `ratatouille.v1.work.cpu.>`. */
  readonly subjects: readonly string[];
  /** `work`: a message is for one durable and deleted when it is done. `events`: each durable gets each message. */
  readonly retention: "work" | "events";
  /** Older messages are deleted. 0: never. */
  readonly maxAgeMs: number;
};

/** How a durable consumes on JetStream: one pull consumer for each of its subjects. */
export type ConsumerDeclaration = {
  readonly durable: string;
  /** Without wildcards. */
  readonly subjects: readonly string[];
  /** Lease of a delivery. A handler that takes longer says that it works. */
  readonly ackWaitMs: number;
  /** Deliveries of one subject that all programs together may have in hand. */
  readonly maxAckPending: number;
};

/** True if a stream keeps a subject. */
export function keeps({ subjects }: StreamDeclaration, subject: string): boolean {
  return subjects.some((kept) => (kept.endsWith(".>") ? subject.startsWith(kept.slice(0, -1)) : kept === subject));
}
