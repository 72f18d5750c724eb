import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata } from "@grpc/grpc-js";
import { beginning, excerpt, printable } from "#libs/text";
import { BadRequestSchema, ErrorInfoSchema } from "#proto/google/rpc/error_details_pb.ts";
import { StatusSchema } from "#proto/google/rpc/status_pb.ts";
import { errorOfDetails } from "./error-details.ts";
import type { FieldViolation, RpcError } from "./errors.ts";

const DETAILS_KEY = "grpc-status-details-bin";

/**
 * What a status may take in the trailers of a call, its message in percent-encoding and its details in base64 together. Clients in C++,
 * Python and Ruby refuse trailers of more than 8 KiB, HTTP/2 servers end the whole connection for larger ones; a status is never
 * more than this, whatever was sent. gRPC's own trailers need the rest.
 */
const STATUS_BYTES = 7_680;
/** Of it the message, which travels twice. */
const MESSAGE_BYTES = 2_000;
/** Of it the facts in ErrorInfo, before base64. */
const FACTS_BYTES = 1_200;
/** So that what is told of fields that are left out has a place. */
const REST_BYTES = 60;

/** What grpc-js sends as the end of a failed call. */
export type WireStatus = { code: number; details: string; metadata: Metadata };

/**
 * The wire form of an error: well-formed, without control characters, and below 8 KiB, however long its texts and lists are. A message
 * that is cut ends in "…"; violations that have no place are counted in a last one without a field.
 */
export function toWireStatus(error: RpcError): WireStatus {
  const message = fitted(printable(beginning(error.message, MESSAGE_BYTES + 1)));
  const sized = (bytes: number) => Math.floor(bytes / 4) * 3;
  let left = sized(STATUS_BYTES - encodeURI(message).length) - Buffer.byteLength(message) - REST_BYTES;
  const details: Any[] = [];
  const add = (detail: Any) => {
    const bytes = toBinary(AnySchema, detail).length + 4;
    if (bytes > left) return;
    left -= bytes;
    details.push(detail);
  };
  const info = create(ErrorInfoSchema, { reason: excerpt(error.reason, 63), domain: excerpt(error.domain, 63), metadata: facts(error) });
  add(anyPack(ErrorInfoSchema, info));
  for (const detail of error.details) add(detail);
  const fieldViolations = told(error.violations, left);
  if (fieldViolations.length > 0) details.push(anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations })));
  const status = create(StatusSchema, { code: error.code, message, details });
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(toBinary(StatusSchema, status)));
  return { code: error.code, details: message, metadata };
}

/** As much of a message as MESSAGE_BYTES hold in percent-encoding, in which a space takes three bytes and an emoji twelve. */
function fitted(message: string): string {
  if (encodeURI(message).length <= MESSAGE_BYTES) return message;
  const whole = message.endsWith("…") ? message.slice(0, -1) : message;
  const begins = (length: number) => `${beginning(whole, length)}…`;
  let [fits, over] = [0, whole.length + 1];
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    if (encodeURI(begins(middle)).length <= MESSAGE_BYTES) fits = middle;
    else over = middle;
  }
  return begins(fits);
}

/** The facts of an error, as many as there is room for. */
function facts({ metadata }: RpcError): Record<string, string> {
  const fitting: [string, string][] = [];
  let left = FACTS_BYTES;
  for (const [name, value] of Object.entries(metadata)) {
    const fact: [string, string] = [excerpt(name, 64), excerpt(value, 400)];
    left -= Buffer.byteLength(fact.join("")) + 8;
    if (left < 0) break;
    fitting.push(fact);
  }
  return Object.fromEntries(fitting);
}

/** The violations that `bytes` hold, and how many there are beside them. */
function told(violations: readonly FieldViolation[], bytes: number): FieldViolation[] {
  const fitting: FieldViolation[] = [];
  let left = bytes;
  for (const [index, { field, description }] of violations.entries()) {
    const violation = { field: excerpt(field), description: excerpt(description, 400) };
    // The count at the end of a list that was cut before, by who passes it on, has its own room.
    const counts = field === "" && index === violations.length - 1 && description.length < REST_BYTES / 2;
    left -= counts ? 0 : Buffer.byteLength(violation.field + violation.description) + 10;
    if (left < 0) break;
    fitting.push(violation);
  }
  const more = violations.length - fitting.length;
  return more === 0 ? fitting : [...fitting, { field: "", description: `and ${more} more ${more === 1 ? "field" : "fields"}` }];
}

/** The error of a wire status; undefined if it has no google.rpc.Status, as from grpc-js itself and from plain servers. */
export function fromWireStatus(status: { code: number; metadata?: Metadata | undefined }): RpcError | undefined {
  const bytes = status.metadata?.get(DETAILS_KEY)[0];
  if (bytes === undefined || typeof bytes === "string") return undefined;
  try {
    const parsed = fromBinary(StatusSchema, new Uint8Array(bytes));
    return errorOfDetails(status.code, parsed.message, parsed.details);
  } catch {
    // The code and the plain message still say what is wrong.
    return undefined;
  }
}
