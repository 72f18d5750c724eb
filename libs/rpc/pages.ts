import { invalidField } from "./requests.ts";

/** Entries of a page whose size was not asked for, and the most that a page ever has. */
export const PAGE_SIZE = { usual: 100, most: 500 } as const;

/**
 * The size of a page: 0 stands for 100; more than 500 are never given.
 * @throws RpcError INVALID_ARGUMENT
 * @example
 * ```ts
 * parsePageSize(0); // 100
 * parsePageSize(9999); // 500
 * ```
 */
export function parsePageSize(size: number, reason?: string): number {
  if (size < 0) throw invalidField("page_size", `expected a number from 0 to ${PAGE_SIZE.most}, got ${size}`, reason);
  return size === 0 ? PAGE_SIZE.usual : Math.min(size, PAGE_SIZE.most);
}

/**
 * An opaque token for where a list goes on; "" after the last page. `list` says which list, filters included: a token is good for that
 * list only.
 * @example
 * ```ts
 * parsePageToken("jobs", pageToken("jobs", 42), "number"); // 42
 * ```
 */
export function pageToken(list: string, position: string | number | undefined): string {
  return position === undefined ? "" : Buffer.from(JSON.stringify([list, position])).toString("base64url");
}

/**
 * The position in a token; undefined for the empty one. A number is whole and at least 0.
 * @throws RpcError INVALID_ARGUMENT
 */
export function parsePageToken<T extends "string" | "number">(
  list: string,
  token: string,
  type: T,
  reason?: string,
): (T extends "string" ? string : number) | undefined {
  if (token === "") return undefined;
  try {
    const [of, position, ...more]: unknown[] = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    const fits = type === "string" || (Number.isSafeInteger(position) && (position as number) >= 0);
    if (of === list && typeof position === type && fits && more.length === 0) return position as T extends "string" ? string : number;
  } catch {
    // Not one of ours: the same answer as for the token of another list.
  }
  throw invalidField("page_token", "expected the next_page_token of a reply to the same request", reason);
}
