import { type Digest, isDigest } from "#libs/recipes";
import { invalidField } from "#libs/rpc";
import { quote } from "#libs/text";
import type { GetArtifactRequest } from "#proto/ratatouille/v1/catalog_pb.ts";

/** What is pinned, or let go of, at once. */
const MOST_DIGESTS = 50_000;

/** Which artifact: one of the three. */
export type ArtifactName = { readonly digest: string } | { readonly recipeKey: Digest } | { readonly ref: string };

/** A whole digest. */
export function parseDigest(field: string, text: string): Digest {
  if (isDigest(text)) return text;
  throw invalidField(field, `expected "sha256:" and 64 lower-case hexadecimal digits, got ${quote(text)}`);
}

/** Which artifact a request names, in the `oneof` of this name. */
export function parseArtifactName(field: string, name: GetArtifactRequest["name"]): ArtifactName {
  switch (name.case) {
    case "digest":
      return { digest: name.value };
    case "recipeKey":
      return { recipeKey: parseDigest("recipe_key", name.value) };
    case "ref":
      return { ref: parseRefName("ref", name.value) };
    default:
      throw invalidField(field, "expected digest, recipe_key or ref");
  }
}

/** @throws CatalogError INVALID_FIELD naming the first that is no digest, or how many there are */
export function parseDigests(texts: readonly string[]): Digest[] {
  if (texts.length > MOST_DIGESTS) throw invalidField("digests", `at most ${MOST_DIGESTS} digests, not ${texts.length}`);
  return texts.map((digest, index) => parseDigest(`digests[${index}]`, digest));
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
