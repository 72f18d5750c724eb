import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { keeps, type StreamDeclaration } from "../streams.ts";

/** Where messages go that were given up: one subject per durable. */
export const deadLetterStream: StreamDeclaration = { name: "DEAD_LETTERS", subjects: ["dead-letters.>"], retention: "events", maxAgeMs: 0 };

/** How long the server remembers ids. An outbox tries again within seconds after it is back. */
const DUPLICATE_WINDOW_MS = 10 * 60_000;

/**
 * Makes the streams that are missing. One that is there with other subjects or another retention is an error: replacing it
 * would lose messages, and using it would too.
 */
export async function ensureStreams(manager: JetStreamManager, declarations: readonly StreamDeclaration[]): Promise<void> {
  for (const declared of declarations) {
    const config = await streamConfig(manager, declared.name);
    if (!config) await manager.streams.add(toConfig(declared));
    else refuseDrift(declared, config);
  }
}

/** Finds the stream that keeps a subject. */
export function streamOf(declarations: readonly StreamDeclaration[], subject: string): StreamDeclaration {
  const stream = declarations.find((declared) => keeps(declared, subject));
  if (!stream) throw new RangeError(`no declared stream keeps ${subject}; declared are ${declarations.map(({ name }) => name).join(", ")}`);
  return stream;
}

/** True for the answer that a stream is not there. */
function isGone(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.status === 404;
}

async function streamConfig(manager: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function toConfig({ name, subjects, retention, maxAgeMs }: StreamDeclaration) {
  return {
    name,
    subjects: [...subjects],
    retention: retention === "work" ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: StorageType.File,
    // "old" would drop work that nobody has taken yet.
    discard: DiscardPolicy.New,
    max_age: nanos(maxAgeMs),
    duplicate_window: nanos(maxAgeMs === 0 ? DUPLICATE_WINDOW_MS : Math.min(maxAgeMs, DUPLICATE_WINDOW_MS)),
  };
}

function refuseDrift(declared: StreamDeclaration, { retention, subjects }: StreamConfig): void {
  const wanted = toConfig(declared);
  if (retention !== wanted.retention)
    throw new Error(`stream ${declared.name} has retention ${retention}, declared is ${wanted.retention}`);
  const [there, here] = [subjects, wanted.subjects].map((list) => [...list].sort().join(", "));
  if (there !== here) throw new Error(`stream ${declared.name} keeps the subjects ${there}, declared are ${here}`);
}
