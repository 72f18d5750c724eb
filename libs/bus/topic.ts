import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { PoisonError } from "./errors.ts";
import { checkMessage, isSubject } from "./limits.ts";
import type { BusMessage, Topic } from "./types.ts";

/**
 * Declares a topic. Subjects are `ratatouille.v1.<noun>.<past-verb>`: words of letters, digits, `_` and `-`, joined by dots.
 * @example
 * ```ts
 * import { StringValueSchema } from "@bufbuild/protobuf/wkt";
 * topic("ratatouille.v1.word.said", StringValueSchema).subject; // "ratatouille.v1.word.said"
 * ```
 */
export function topic<D extends DescMessage>(subject: string, schema: D): Topic<D> {
  if (!isSubject(subject)) throw new SyntaxError(`a subject is words joined by dots, without wildcards; got "${subject}"`);
  return { subject, schema };
}

/** Header with the full name of the payload's message type, for people with debugging tools. */
const TYPE_HEADER = "ratatouille-type";

/**
 * Makes the message that tells of one event. `id` names the event: a second message with the same id is dropped, so it is
 * derived from what happened (`job-1/finished/2`), not from chance.
 * @throws BusRefusedError for an id or a payload that no bus takes: what is told of a state is bounded where the state is
 * @example
 * ```ts
 * import { StringValueSchema } from "@bufbuild/protobuf/wkt";
 * const said = topic("ratatouille.v1.word.said", StringValueSchema);
 * const { id, payload } = event(said, "word-1/said", { value: "hi" });
 * [id, ...payload]; // ["word-1/said", 0x0a, 2, 0x68, 0x69]
 * ```
 */
export function event<D extends DescMessage>(on: Topic<D>, id: string, payload: MessageInitShape<D>): BusMessage {
  const message = {
    id,
    subject: on.subject,
    payload: toBinary(on.schema, create(on.schema, payload)),
    headers: { [TYPE_HEADER]: on.schema.typeName },
  };
  checkMessage(message);
  return message;
}

/** Reads a payload. What does not parse never will, hence {@link PoisonError}. */
export function decode<D extends DescMessage>(on: Topic<D>, message: BusMessage): MessageShape<D> {
  try {
    // A plain view: `bytes` fields must not be Buffers, whose slice() aliases.
    const { buffer, byteOffset, byteLength } = message.payload;
    return fromBinary(on.schema, new Uint8Array(buffer, byteOffset, byteLength));
  } catch (cause) {
    throw new PoisonError(`message ${message.id} on ${message.subject} is no ${on.schema.typeName}`, { cause });
  }
}
