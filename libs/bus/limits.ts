import { excerpt, quote } from "#libs/text";
import { BusRefusedError } from "./errors.ts";
import type { BusMessage, SubscribeOptions, WatchOptions } from "./types.ts";

/**
 * Payload, headers, id and subject of a message together, in bytes: less than the 1 MiB that a NATS server takes unless told otherwise, with
 * room for what a dead letter adds.
 */
export const MAX_MESSAGE_BYTES = 1_000_000;

const MAX_ID = 512;
/** Together they make the name of a pull consumer, which NATS takes up to 255 characters of. */
const MAX_DURABLE = 64;
const MAX_SUBJECT = 160;
const MAX_SUBJECTS = 100;
const MAX_CONCURRENCY = 1000;
const MAX_ACK_WAIT_MS = 86_400_000;
/** The last millisecond that a Date can tell. */
const MAX_TIME_MS = 8.64e15;
const MAX_REASON = 4096;

/** True for a subject: words of letters, digits, "_" and "-", joined by dots, without wildcards, of at most 160 characters. */
export function isSubject(text: string): boolean {
  return text.length <= MAX_SUBJECT && /^[\w-]+(\.[\w-]+)*$/.test(text);
}

/** @throws BusRefusedError for a message that no bus takes, however often it is tried. */
export function checkMessage({ id, subject, payload, headers }: BusMessage): void {
  const refuse = (field: keyof BusMessage, why: string) => {
    throw new BusRefusedError(field, `the message ${quote(id, 80)} ${why}`);
  };
  if (id.length < 1 || id.length > MAX_ID || !isLine(id))
    refuse("id", `needs an id of 1 to ${MAX_ID} characters without control characters`);
  if (!isSubject(subject))
    refuse("subject", `needs a subject of words joined by dots, at most ${MAX_SUBJECT} characters; got ${quote(subject, 80)}`);
  let bytes = payload.length + byteLength(id) + byteLength(subject);
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!-9;-~]+$/.test(name))
      refuse("headers", `has a header ${quote(name, 80)}; names are printable ASCII without spaces and colons`);
    if (!isLine(value)) refuse("headers", `has a header ${name} that is not one line of text`);
    bytes += byteLength(name) + byteLength(value) + 4;
  }
  if (bytes > MAX_MESSAGE_BYTES) refuse("payload", `has ${bytes} bytes with its headers; at most ${MAX_MESSAGE_BYTES} are possible`);
}

/** @throws BusRefusedError naming what is wrong with a subscription, before anything is declared for it */
export function checkSubscription({ durable, subjects, concurrency, ackWaitMs }: SubscribeOptions): void {
  if (!/^[\w-]+$/.test(durable) || durable.length > MAX_DURABLE)
    throw new BusRefusedError("durable", `durable: letters, digits, "_" and "-", at most ${MAX_DURABLE}; got ${quote(durable, 80)}`);
  checkSubjects(subjects);
  checkWhole("concurrency", concurrency, 1, MAX_CONCURRENCY);
  checkWhole("ackWaitMs", ackWaitMs, 1, MAX_ACK_WAIT_MS);
}

/** @throws BusRefusedError naming what is wrong with what is to be watched */
export function checkWatch({ subjects, sinceMs }: WatchOptions): void {
  checkSubjects(subjects);
  if (sinceMs !== undefined) checkWhole("sinceMs", sinceMs, 0, MAX_TIME_MS);
}

/** The reason why a message was given up, as it is kept: one line of bounded length. */
export function reasonLine(reason: string): string {
  return excerpt(reason, MAX_REASON);
}

function checkSubjects(subjects: readonly string[]): void {
  if (subjects.length < 1 || subjects.length > MAX_SUBJECTS)
    throw new BusRefusedError("subjects", `subjects: 1 to ${MAX_SUBJECTS} are possible; got ${subjects.length}`);
  for (const subject of subjects)
    if (!isSubject(subject))
      throw new BusRefusedError("subjects", `subjects: words joined by dots, at most ${MAX_SUBJECT} characters; got ${quote(subject, 80)}`);
}

function checkWhole(name: "concurrency" | "ackWaitMs" | "sinceMs", value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new BusRefusedError(name, `${name}: a whole number from ${least} to ${most}; got ${value}`);
}

function isLine(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
