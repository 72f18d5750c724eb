/** A JetStream stream: where the messages of some subjects are kept. */
export type StreamDeclaration = {
  /** Upper case words joined by "_". */
  readonly name: string;
  readonly subjects: readonly string[];
  /** `work`: a message is for one durable and deleted when it is done. `events`: each durable gets each message. */
  readonly retention: "work" | "events";
  /** Older messages are deleted. 0: never. */
  readonly maxAgeMs: number;
};
