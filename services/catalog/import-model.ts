import { buildImportedModel, type Digest, isLicenceText, readLicences } from "#libs/recipes";
import { parseText } from "#libs/rpc";
import type { BlobStore } from "#libs/storage";
import { fileSource, numbersOf, openSafetensors, SafetensorsError, type SafetensorsHeader } from "#libs/tensors";
import { excerpt } from "#libs/text";
import type { ImportModelRequest } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { ArtifactRecord, Artifacts } from "./artifacts.ts";
import { CatalogError, invalidField } from "./errors.ts";
import { parseDigest, parseOptionalDigest } from "./requests.ts";

const LONGEST_SOURCE = 1000;
const LONGEST_ARCHITECTURE = 200;
const UNKNOWN_ARCHITECTURE = "unknown";

/** What importing needs. */
export type ImportDependencies = {
  readonly store: Pick<BlobStore, "stat" | "path">;
  readonly artifacts: Pick<Artifacts, "byDigest">;
  readonly publish: (
    request: { readonly manifest: Uint8Array; readonly blobs: readonly Uint8Array[] },
    signal: AbortSignal,
  ) => Promise<{ artifact: ArtifactRecord; existed: boolean }>;
};

/**
 * Publishes a model of a file that is stored: what its manifest and its recipe say is made of the request and of the file's header.
 * @throws CatalogError INVALID_FIELD, BLOB_NOT_FOUND, ARTIFACT_NOT_FOUND, and those of `publish`; RpcError INVALID_ARGUMENT
 */
export async function importModel(
  { store, artifacts, publish }: ImportDependencies,
  request: ImportModelRequest,
  signal: AbortSignal,
): Promise<{ artifact: ArtifactRecord; existed: boolean }> {
  if (request.files.length !== 1) throw invalidField("files", `are ${request.files.length}; expected one file of safetensors`);
  const digest = parseDigest("files[0].digest", request.files[0]!.digest);
  const licences = parseLicence(request.licence);
  const source = parseText("source", request.source, LONGEST_SOURCE);
  const architecture =
    request.architecture === "" ? UNKNOWN_ARCHITECTURE : parseText("architecture", request.architecture, LONGEST_ARCHITECTURE);
  const base = parseOptionalDigest("base", request.base);
  if (base !== undefined) await checkBase(base, artifacts);
  const stat = await store.stat(digest);
  if (!stat) throw new CatalogError("BLOB_NOT_FOUND", `no blob ${digest}: upload it first`, { facts: { digest } });
  const { tensors } = await readHeader(store.path(digest));
  const weights = { digest, size: stat.size };
  const { manifest, config } = buildImportedModel({ weights, licences, source, base, architecture, ...numbersOf(tensors.values()) });
  return publish({ manifest, blobs: [config] }, signal);
}

function parseLicence(text: string): readonly string[] {
  if (text === "") return [];
  if (!isLicenceText(text)) throw invalidField("licence", `expected an SPDX expression of at most 1000 characters, got ${excerpt(text)}`);
  try {
    return readLicences(text);
  } catch (cause) {
    throw cause instanceof RangeError ? invalidField("licence", cause.message, cause) : cause;
  }
}

async function checkBase(base: Digest, artifacts: Pick<Artifacts, "byDigest">): Promise<void> {
  const { kind } = await artifacts.byDigest(base);
  if (kind !== "model") throw invalidField("base", `is of kind ${kind}; it has to be a model`);
}

async function readHeader(path: string): Promise<SafetensorsHeader> {
  await using file = await fileSource(path);
  try {
    return (await openSafetensors(file)).header;
  } catch (cause) {
    if (!(cause instanceof SafetensorsError)) throw cause;
    throw invalidField("files[0].digest", `is of a file that is no safetensors file: ${cause.message}`, cause);
  }
}
