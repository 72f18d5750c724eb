import { type Digest, isDigest } from "#libs/recipes";
import { refuse } from "./errors.ts";

/** A whole digest. @throws RpcError SESSION_INVALID */
export function parseDigest(field: string, text: string): Digest {
  if (isDigest(text)) return text;
  throw refuse("SESSION_INVALID", `${field}: expected "sha256:" and 64 lower-case hexadecimal digits, got ${JSON.stringify(text)}`, {
    field,
  });
}

/** A number of bytes or seconds. @throws RpcError SESSION_INVALID */
export function parseAmount(field: string, value: bigint | number): number {
  const amount = Number(value);
  if (amount >= 0 && amount <= Number.MAX_SAFE_INTEGER) return amount;
  throw refuse("SESSION_INVALID", `${field}: expected a whole number of at least 0, got ${value}`, { field });
}

const CONTRIBUTOR_CHARACTERS = 200;

/** Who contributes. @throws RpcError SESSION_INVALID */
export function parseContributor(text: string): string {
  const field = "header.contributor";
  if (text.length < 1 || text.length > CONTRIBUTOR_CHARACTERS) {
    throw refuse("SESSION_INVALID", `${field}: expected 1 to ${CONTRIBUTOR_CHARACTERS} characters, got ${text.length}`, { field });
  }
  return text;
}

/** 0 stands for 100; more than 500 are never given. @throws RpcError SESSION_INVALID */
export function parsePageSize(size: number): number {
  if (size < 0) throw refuse("SESSION_INVALID", `page_size: expected a number from 0 to 500, got ${size}`, { field: "page_size" });
  return size === 0 ? 100 : Math.min(size, 500);
}

/** Where a list goes on. */
export function pageToken(position: number | undefined): string {
  return position === undefined ? "" : Buffer.from(`sessions ${position}`).toString("base64url");
}

/** The position in a token; undefined for the empty one. @throws RpcError SESSION_INVALID */
export function parsePageToken(token: string): number | undefined {
  if (token === "") return undefined;
  const position = /^sessions (\d+)$/.exec(Buffer.from(token, "base64url").toString("utf8"))?.[1];
  if (position !== undefined) return Number(position);
  throw refuse("SESSION_INVALID", "page_token: expected the next_page_token of a reply to the same request", { field: "page_token" });
}
