import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { resourceExhausted } from "./errors.ts";

/** The largest message either side takes, so that any stock client works. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/**
 * The bytes of a message, as the Buffer that grpc-js wants: a view, not a copy.
 * Throws RESOURCE_EXHAUSTED (MESSAGE_TOO_LARGE) above 4 MiB, here, where the sender still sees it.
 */
export function encode<D extends DescMessage>(desc: D, init: MessageInitShape<D>): Buffer {
  const bytes = toBinary(desc, create(desc, init));
  if (bytes.byteLength > MAX_MESSAGE_BYTES) {
    throw resourceExhausted(`${desc.typeName} has ${bytes.byteLength} bytes; a message holds at most ${MAX_MESSAGE_BYTES}`, {
      reason: "MESSAGE_TOO_LARGE",
    });
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The message of received bytes. `bytes` fields are views into the frame, at any alignment: copy before keeping one or
 * laying a typed array over it.
 */
export function decode<D extends DescMessage>(desc: D, bytes: Uint8Array): MessageShape<D> {
  // A plain Uint8Array, never the Buffer: `slice()` of a Buffer aliases instead of copying, and `bytes` fields inherit the class.
  return fromBinary(desc, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}

/** grpc-js serializer and deserializer that leave bytes alone: we encode and decode ourselves, where errors can be handled. */
export const identity = (bytes: Buffer): Buffer => bytes;
