import { isName, REGISTRY_REFS } from "#libs/artifacts";
import { type Digest, isDigest } from "#libs/recipes";
import { quote } from "#libs/text";
import { ociError } from "./errors.ts";

/** As the distribution specification has them. */
const repositoryForm = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagForm = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
/** What a word of a ref of the catalog is. */
const refWord = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const LONGEST_REF = 200;

/** The tag that stands for the ref itself. */
const LATEST = "latest";

/** Throws 400 unless a name can be that of a repository here. */
export function checkRepository(name: string): void {
  if (!repositoryForm.test(name) || name.length > LONGEST_REF)
    throw ociError(400, "NAME_INVALID", `${quote(name)} is no name of a repository; expected something like birds/champion`);
  if (!isName(`${name}/`))
    throw ociError(
      400,
      "NAME_INVALID",
      `names that begin with ${REGISTRY_REFS} are this service's own; expected something like birds/champion`,
    );
}

/** A digest of a path or a query. Throws 400. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw ociError(400, "DIGEST_INVALID", `${quote(text)} is no digest; expected sha256: and 64 lower-case hexadecimal digits`);
}

/**
 * The ref of the catalog that a tag is: `latest` of a repository is the ref of its name, any other tag one word more.
 * @returns undefined where no ref can be called so
 * @example
 * ```ts
 * refOf("birds/champion", "latest"); // "birds/champion"
 * refOf("birds/champion", "v2"); // "birds/champion/v2"
 * refOf("birds/champion", "_v2"); // undefined
 * ```
 */
export function refOf(repository: string, tag: string): string | undefined {
  const ref = tag === LATEST ? repository : `${repository}/${tag}`;
  return tagForm.test(tag) && refWord.test(tag) && ref.length <= LONGEST_REF ? ref : undefined;
}

/**
 * The tag of the catalog that a tag is, where somebody has given one: it stands before the ref, and cannot be moved.
 * @returns undefined for what is no tag
 * @example
 * ```ts
 * fixedTagOf("birds/champion", "1.0"); // "birds/champion:1.0"
 * ```
 */
export function fixedTagOf(repository: string, tag: string): string | undefined {
  return tagForm.test(tag) ? `${repository}:${tag}` : undefined;
}

/**
 * The tag of a repository that a ref is; undefined for those of others.
 * @example
 * ```ts
 * tagOf("birds/champion", "birds/champion"); // "latest"
 * tagOf("birds", "birds/champion"); // "champion"
 * tagOf("birds", "birds/champion/v2"); // undefined
 * ```
 */
export function tagOf(repository: string, ref: string): string | undefined {
  if (ref === repository) return LATEST;
  if (!ref.startsWith(`${repository}/`)) return undefined;
  const tag = ref.slice(repository.length + 1);
  return tagForm.test(tag) && tag !== LATEST ? tag : undefined;
}

/**
 * The repositories in which a ref or a tag of the catalog is a tag.
 * @example
 * ```ts
 * repositoriesOf("birds/champion"); // ["birds/champion", "birds"]
 * repositoriesOf("birds:1.0"); // ["birds"]
 * ```
 */
export function repositoriesOf(name: string): readonly string[] {
  const [ref = "", fixed] = name.split(":");
  const candidates = fixed === undefined ? [ref, ref.slice(0, Math.max(0, ref.lastIndexOf("/")))] : [ref];
  return candidates.filter(
    (one) => repositoryForm.test(one) && isName(`${one}/`) && (fixed !== undefined || tagOf(one, ref) !== undefined),
  );
}

/** The ref that keeps a manifest that was pushed, and finds it by its digest. */
export function manifestRef(digest: Digest): string {
  return `${REGISTRY_REFS}manifests/${hex(digest)}`;
}

/** The refs of all manifests that refer to one begin so. */
export function referrersPrefix(subject: Digest): string {
  return `${REGISTRY_REFS}referrers/${hex(subject)}/`;
}

/** The ref that says that a manifest refers to another. */
export function referrerRef(subject: Digest, digest: Digest): string {
  return `${referrersPrefix(subject)}${hex(digest)}`;
}

function hex(digest: Digest): string {
  return digest.slice("sha256:".length);
}
