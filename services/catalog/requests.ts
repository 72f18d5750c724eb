import { type Digest, isDigest } from "#libs/recipes";
import { invalidField, parseAmount, parseText } from "#libs/rpc";
import { quote } from "#libs/text";
import type {
  AnnotateArtifactRequest,
  GetArtifactRequest,
  GetLineageRequest,
  GetStorageUsageRequest,
  SetRetentionRuleRequest,
} from "#proto/ratatouille/v1/catalog_pb.ts";
import type { Annotating } from "./annotate.ts";
import type { Walk } from "./lineage.ts";
import type { RetentionRule } from "./retention.ts";
import type { Grouping } from "./usage.ts";

/** What is pinned, or let go of, at once. */
const MOST_DIGESTS = 50_000;
/** What is asked for at once. */
const MOST_CHUNKS = 65_536;
const CHUNK_SUM_BYTES = 32;
/** Moves of a ref that are kept by a rule. */
const MOST_MOVES = 100;

/** Which artifact: one of the three; `ref` may be a tag. */
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
      return { ref: parseName("ref", name.value) };
    default:
      throw invalidField(field, "expected digest, recipe_key or ref");
  }
}

/** @throws CatalogError INVALID_FIELD naming the first that is no digest, or how many there are */
export function parseDigests(field: string, texts: readonly string[], most = MOST_DIGESTS): Digest[] {
  if (texts.length > most) throw invalidField(field, `at most ${most} digests, not ${texts.length}`);
  return texts.map((digest, index) => parseDigest(`${field}[${index}]`, digest));
}

/** The sha-256 of a chunk, as bytes. */
export function parseChunkSum(field: string, sum: Uint8Array): Uint8Array {
  if (sum.length === CHUNK_SUM_BYTES) return sum;
  throw invalidField(field, `a sha-256 has ${CHUNK_SUM_BYTES} bytes, not ${sum.length}`);
}

/** As many as one message has room for. */
export function parseChunkSums(field: string, sums: readonly Uint8Array[]): readonly Uint8Array[] {
  if (sums.length > MOST_CHUNKS) throw invalidField(field, `at most ${MOST_CHUNKS} chunks, not ${sums.length}`);
  return sums.map((sum, i) => parseChunkSum(`${field}[${i}]`, sum));
}

/** A whole digest, or undefined for the empty text. */
export function parseOptionalDigest(field: string, text: string): Digest | undefined {
  return text === "" ? undefined : parseDigest(field, text);
}

const refName = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
/** The second part is a tag of the OCI distribution specification. */
const tagName = /^([^:]*):[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** The name of a ref or of a tag, which has a ":". */
function parseName(field: string, name: string): string {
  return name.includes(":") ? parseTagName(field, name) : parseRefName(field, name);
}

/** The name of a tag. */
export function parseTagName(field: string, name: string): string {
  const [, words = ""] = tagName.exec(name) ?? [];
  if (name.length <= 200 && refName.test(words)) return name;
  throw invalidField(
    field,
    `expected words as of a ref, ":", and 1 to 128 letters, digits, ".", "_" and "-", together at most 200 characters, such as birds:1.0; got ${quote(name)}`,
  );
}

const LONGEST_ANNOTATION = 1000;

/** What is to be noted of an artifact. */
export function parseAnnotating({ digest, set, remove }: AnnotateArtifactRequest): Annotating {
  return {
    digest: parseDigest("digest", digest),
    set: new Map(
      Object.entries(set).map(([name, value]) => [
        parseWord("set", name),
        parseText(`set[${JSON.stringify(name)}]`, value, LONGEST_ANNOTATION),
      ]),
    ),
    remove: remove.map((name, i) => parseWord(`remove[${i}]`, name)),
  };
}

/** What an annotation or a rule is called. */
export function parseWord(field: string, name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/.test(name)) return name;
  throw invalidField(field, `expected 1 to 100 letters, digits, ".", "_", "/" and "-", the first a letter or a digit; got ${quote(name)}`);
}

/** The name of a ref. */
export function parseRefName(field: string, name: string): string {
  if (name.length <= 200 && refName.test(name)) return name;
  throw invalidField(
    field,
    `expected words of letters, digits, ".", "_" and "-", joined by "/", at most 200 characters, such as digits/champion; got ${quote(name)}`,
  );
}

/** Which way to walk a lineage, and how far. */
export function parseWalk({ direction, depth, membersOnly }: Pick<GetLineageRequest, "direction" | "depth" | "membersOnly">): Walk {
  if (depth < 0) throw invalidField("depth", `expected a number of steps, or 0 for all; got ${depth}`);
  const directions: readonly Walk["direction"][] = ["ancestors", "ancestors", "descendants"];
  const way = directions[direction];
  if (way === undefined) throw invalidField("direction", `there is no direction ${direction}`);
  return { direction: way, depth, membersOnly };
}

/** An artifact by digest, the beginning of one, ref or tag: which of them, and whether it can be one, is seen when it is looked for. */
export function parseNamed(field: string, text: string): string {
  if (/^sha256:|^[0-9a-f]{8,64}$/.test(text)) return text;
  return parseName(field, text);
}

/** @throws CatalogError INVALID_FIELD where it says nothing, or two things at once */
export function parseRetentionRule(rule: SetRetentionRuleRequest["rule"]): RetentionRule {
  if (rule === undefined) throw invalidField("rule", "is missing");
  const { filter, refPrefix, keepMoves } = rule;
  const name = parseWord("rule.name", rule.name);
  const keepSeconds = parseAmount("rule.keep_seconds", rule.keepSeconds);
  if (keepMoves < 0 || keepMoves > MOST_MOVES) throw invalidField("rule.keep_moves", `expected 0 to ${MOST_MOVES}, got ${keepMoves}`);
  if ((filter === "") === (keepMoves === 0)) throw invalidField("rule", "expected either filter or keep_moves");
  if (refPrefix !== "") parseText("rule.ref_prefix", refPrefix, 200);
  if (keepMoves === 0 && refPrefix !== "") throw invalidField("rule.ref_prefix", "has no meaning without keep_moves");
  if (keepMoves > 0 && keepSeconds > 0) throw invalidField("rule.keep_seconds", "has no meaning without filter");
  return { name, filter, keepSeconds, refPrefix, keepMoves };
}

/** What usage is told by. */
export function parseGrouping(group: GetStorageUsageRequest["group"]): Grouping {
  switch (group.case) {
    case "annotation":
      return { annotation: parseWord("annotation", group.value) };
    case "refPrefix":
      return { refPrefix: group.value === "" ? "" : parseText("ref_prefix", group.value, 200) };
    default:
      throw invalidField("group", "expected ref_prefix or annotation");
  }
}
