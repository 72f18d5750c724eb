import { type Digest, isDigest } from "#libs/recipes";
import { invalidField } from "./errors.ts";

/** What was sent, as a message shows it. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text);
}

/** A whole digest. */
export function parseDigest(field: string, text: string): Digest {
  if (isDigest(text)) return text;
  throw invalidField(field, `expected "sha256:" and 64 lower-case hexadecimal digits, got ${quoted(text)}`);
}

/** A whole digest, or undefined for the empty text. */
export function parseOptionalDigest(field: string, text: string): Digest | undefined {
  return text === "" ? undefined : parseDigest(field, text);
}

/** A text of 1 to `limit` characters on one line. */
export function parseText(field: string, text: string, limit: number): string {
  if (text.length < 1 || text.length > limit) throw invalidField(field, `expected 1 to ${limit} characters, got ${text.length}`);
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) throw invalidField(field, "expected one line of printable characters");
  return text;
}

/** The name of a ref. */
export function parseRefName(field: string, name: string): string {
  if (name.length <= 200 && /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/.test(name)) return name;
  throw invalidField(
    field,
    `expected words of letters, digits, ".", "_" and "-", joined by "/", at most 200 characters, such as digits/champion; got ${quoted(name)}`,
  );
}

/** A 64-bit number that is a number of bytes or seconds. */
export function parseAmount(field: string, value: bigint): number {
  if (value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw invalidField(field, `expected a whole number of at least 0, got ${value}`);
}

/** 0 stands for 100; more than 500 are never given. */
export function parsePageSize(size: number): number {
  if (size < 0) throw invalidField("page_size", `expected a number from 0 to 500, got ${size}`);
  return size === 0 ? 100 : Math.min(size, 500);
}

/** An opaque token for where a list goes on. `list` says which list, filters included: a token is good for that list only. */
export function pageToken(list: string, position: string | number | undefined): string {
  return position === undefined ? "" : Buffer.from(JSON.stringify([list, position])).toString("base64url");
}

/** The position in a token; undefined for the empty one. */
export function parsePageToken<T extends "string" | "number">(
  list: string,
  token: string,
  type: T,
): (T extends "string" ? string : number) | undefined {
  if (token === "") return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    if (Array.isArray(value) && value[0] === list && typeof value[1] === type) return value[1];
  } catch {
    // Not one of ours: the same answer as for the token of another list.
  }
  throw invalidField("page_token", "expected the next_page_token of a reply to the same request");
}
