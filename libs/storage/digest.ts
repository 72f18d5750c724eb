/** "sha256:" and 64 lower-case hexadecimal digits. */
export type Digest = `sha256:${string}`;

/**
 * Whether a string is a digest in its one canonical form.
 * @example
 * ```ts
 * isDigest(`sha256:${"0".repeat(64)}`); // true
 * isDigest(`sha256:${"F".repeat(64)}`); // false
 * ```
 */
export function isDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/**
 * Checks a digest. It becomes part of file names, so nothing else may pass. Throws SyntaxError.
 * @example
 * ```ts
 * parseDigest(`sha256:${"0".repeat(64)}`).length; // 71
 * await Promise.try(parseDigest, "../../etc/passwd").catch(({ name }) => name); // "SyntaxError"
 * ```
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text))
    throw new SyntaxError(`not a digest: ${JSON.stringify(text)} (expected "sha256:" and 64 lower-case hexadecimal digits)`);
  return text;
}

/**
 * The 64 digits after "sha256:". Throws SyntaxError.
 * @example
 * ```ts
 * digestHex(`sha256:${"ab".repeat(32)}`) === "ab".repeat(32); // true
 * ```
 */
export function digestHex(digest: string): string {
  return parseDigest(digest).slice("sha256:".length);
}
