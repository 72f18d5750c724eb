import { type Digest, isDigest } from "#libs/recipes";
import { invalidField } from "#libs/rpc";
import { quote } from "#libs/text";

/** A whole digest. */
export function parseDigest(field: string, text: string): Digest {
  if (isDigest(text)) return text;
  throw invalidField(field, `expected "sha256:" and 64 lower-case hexadecimal digits, got ${quote(text)}`);
}

/** A whole digest, or undefined for the empty text. */
export function parseOptionalDigest(field: string, text: string): Digest | undefined {
  return text === "" ? undefined : parseDigest(field, text);
}

/** The name of a ref. */
export function parseRefName(field: string, name: string): string {
  if (name.length <= 200 && /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/.test(name)) return name;
  throw invalidField(
    field,
    `expected words of letters, digits, ".", "_" and "-", joined by "/", at most 200 characters, such as digits/champion; got ${quote(name)}`,
  );
}
