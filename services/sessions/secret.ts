import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { refuse } from "./errors.ts";

/** A new secret of 256 bits, and the hash that is kept of it. */
export function createSecret(): { readonly secret: string; readonly hash: Uint8Array } {
  const secret = randomBytes(32).toString("base64url");
  return { secret, hash: hashOf(secret) };
}

/** Compares in constant time. @throws RpcError SECRET_MISSING, SECRET_WRONG */
export function checkSecret(secret: string, hash: Uint8Array): void {
  if (secret === "") throw refuse("SECRET_MISSING", "this needs the secret that OpenSession has returned");
  if (!timingSafeEqual(hashOf(secret), hash)) throw refuse("SECRET_WRONG", "the secret is not that of the session");
}

/** The secret has 256 random bits: a slow hash would add nothing. */
function hashOf(secret: string): Uint8Array {
  return createHash("sha256").update(secret).digest();
}
