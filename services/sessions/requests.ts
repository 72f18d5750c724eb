import { type Digest, isDigest } from "#libs/recipes";
import { parseAmount as amount, invalidField, parseText } from "#libs/rpc";
import { quote } from "#libs/text";

/** The reason of errors about a field of a request. */
export const INVALID = "SESSION_INVALID";

/** A whole digest. @throws RpcError SESSION_INVALID */
export function parseDigest(field: string, text: string): Digest {
  if (isDigest(text)) return text;
  throw invalidField(field, `expected "sha256:" and 64 lower-case hexadecimal digits, got ${quote(text)}`, INVALID);
}

/** A number of bytes or seconds. @throws RpcError SESSION_INVALID */
export function parseAmount(field: string, value: bigint | number): number {
  return amount(field, value, INVALID);
}

/** Which session. @throws RpcError SESSION_INVALID */
export function parseSessionId(field: string, id: string): string {
  return parseText(field, id, 100, INVALID);
}

/** Who contributes. @throws RpcError SESSION_INVALID */
export function parseContributor(field: string, text: string): string {
  return parseText(field, text, 200, INVALID);
}
