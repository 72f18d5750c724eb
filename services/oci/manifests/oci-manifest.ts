import { type Digest, digestOf, isDigest, mediaTypes } from "#libs/recipes";
import { quote } from "#libs/text";
import { ociError } from "../errors.ts";

/** What a manifest says of a blob or of another manifest. */
export type OciDescriptor = {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** It lies elsewhere, and may not be here. */
  readonly elsewhere: boolean;
};

/** A manifest or an index as it was pushed, as far as a registry looks into it. */
export type OciManifest = {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** What it is, for those who look for its kind: `artifactType`, or else the type of its config. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of an image manifest. */
  readonly config: OciDescriptor | undefined;
  readonly layers: readonly OciDescriptor[];
  /** Of an index. */
  readonly manifests: readonly OciDescriptor[];
  /** What it refers to, wherever that is. */
  readonly subject: string | undefined;
};

export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const imageTypes: ReadonlySet<string> = new Set([mediaTypes.manifest, "application/vnd.docker.distribution.manifest.v2+json"]);
const indexTypes: ReadonlySet<string> = new Set([INDEX_TYPE, "application/vnd.docker.distribution.manifest.list.v2+json"]);

/** Whether blobs of this type are manifests. */
export function isManifestType(mediaType: string): boolean {
  return imageTypes.has(mediaType) || indexTypes.has(mediaType);
}

type Json = { readonly [name: string]: unknown };

/**
 * Reads a manifest that is pushed.
 * @param contentType of the request; the manifest's own word counts where there is none
 * @throws HttpError 400 MANIFEST_INVALID naming the field
 */
export function parseManifest(bytes: Uint8Array, contentType?: string): OciManifest {
  const value = parseJson(bytes);
  const given = contentType?.split(";", 1)[0]?.trim();
  const own = value["mediaType"];
  const mediaType = String(own ?? given ?? mediaTypes.manifest);
  if (given !== undefined && given !== mediaType)
    throw invalid(`mediaType: is ${quote(mediaType)}, and the request has the content type ${quote(given)}`);
  if (!isManifestType(mediaType)) {
    throw invalid(`mediaType: is ${quote(mediaType)}; expected one of ${[...imageTypes, ...indexTypes].join(", ")}`);
  }
  if (value["schemaVersion"] !== 2) throw invalid("schemaVersion: expected 2");
  const isIndex = indexTypes.has(mediaType);
  const config = isIndex ? undefined : descriptor(value["config"], "config");
  const { artifactType } = value;
  return {
    digest: digestOf(bytes),
    bytes,
    mediaType,
    artifactType: typeof artifactType === "string" && artifactType !== "" ? artifactType : config?.mediaType,
    annotations: texts(value["annotations"], "annotations"),
    config,
    layers: isIndex ? [] : descriptors(value["layers"], "layers"),
    manifests: isIndex ? descriptors(value["manifests"], "manifests") : [],
    subject: subjectOf(value["subject"]),
  };
}

function parseJson(bytes: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  } catch {
    // Said below.
  }
  throw invalid("a manifest is a JSON object, this is not");
}

function descriptors(value: unknown, field: string): OciDescriptor[] {
  if (!Array.isArray(value)) throw invalid(`${field}: expected a list`);
  return value.map((one, i) => descriptor(one, `${field}[${i}]`));
}

function descriptor(value: unknown, field: string): OciDescriptor {
  const { mediaType, digest, size, annotations, urls } = (value ?? {}) as Json;
  if (typeof mediaType !== "string" || mediaType === "") throw invalid(`${field}.mediaType: expected a media type`);
  if (!isDigest(digest)) throw invalid(`${field}.digest: expected sha256: and 64 lower-case hexadecimal digits`);
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw invalid(`${field}.size: expected a number of bytes`);
  const elsewhere = Array.isArray(urls) && urls.length > 0;
  return { mediaType, digest, size: size as number, annotations: texts(annotations, `${field}.annotations`), elsewhere };
}

function texts(value: unknown, field: string): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw invalid(`${field}: expected an object of texts`);
  for (const [name, text] of Object.entries(value)) if (typeof text !== "string") throw invalid(`${field}.${name}: expected a text`);
  return value as Record<string, string>;
}

/** A subject may be anything that somebody else keeps, with digests of any sort. */
function subjectOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  const { digest } = value as Json;
  if (typeof digest !== "string" || !/^[a-z0-9]+([+._-][a-z0-9]+)*:[A-Za-z0-9=_-]+$/.test(digest))
    throw invalid("subject.digest: expected a digest");
  return digest;
}

function invalid(message: string) {
  return ociError(400, "MANIFEST_INVALID", message);
}
