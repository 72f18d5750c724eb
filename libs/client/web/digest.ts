import type { Digest } from "#libs/recipes/names";

/** sha-256 of bytes, as it names blobs. Browsers have it on pages of https and of localhost only. */
export async function digestOfBytes(bytes: Uint8Array<ArrayBuffer>): Promise<Digest> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
