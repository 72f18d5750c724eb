import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Digest } from "#libs/recipes";
import {
  aborted,
  alreadyExists,
  dataLoss,
  failedPrecondition,
  type Implementation,
  invalidArgument,
  notFound,
  type RpcError,
  type RpcErrorDetails,
  resourceExhausted,
} from "#libs/rpc";
import { DigestMismatchError, NoSpaceError } from "#libs/storage";
import type { ArtifactSchema } from "#proto/ratatouille/v1/artifact_pb.ts";
import type { CatalogService, RefSchema, UploadBlobRequest } from "#proto/ratatouille/v1/catalog_pb.ts";
import type { ArtifactRecord } from "./artifacts.ts";
import type { Catalog } from "./catalog.ts";
import { CatalogError, type CatalogErrorReason, invalidField } from "./errors.ts";
import { artifactKinds, kindOf } from "./kinds.ts";
import type { RefRecord } from "./refs.ts";
import { pageToken, parseAmount, parseDigest, parseOptionalDigest, parsePageSize, parsePageToken, parseText } from "./requests.ts";

const MAX_CHUNK_BYTES = 1 << 20;
const DEFAULT_MIN_AGE_SECONDS = 3600;
/** Recipes of one FindArtifacts: manifests of a hundred members each still fit one message. */
const MAX_FOUND = 256;

/** CatalogService on a catalog: requests are checked here, refusals get their code. */
export function createCatalogService(catalog: Catalog): Implementation<typeof CatalogService> {
  return {
    uploadBlob: (requests, { signal }) =>
      answer(async () => {
        const { header, chunks } = await openUpload(requests);
        const { digest, size } = await catalog.blobs.put(chunks, { ...header, signal });
        return { digest, sizeBytes: BigInt(size) };
      }),

    async *downloadBlob(request, { signal }) {
      try {
        const digest = parseDigest("digest", request.digest);
        const offset = parseAmount("offset", request.offset);
        const length = parseAmount("length", request.length) || undefined;
        for await (const chunk of catalog.blobs.read(digest, { offset, length, signal })) yield { chunk };
      } catch (error) {
        throw toRpcError(error instanceof RangeError ? invalidField("offset", error.message, error) : error);
      }
    },

    publishArtifact: ({ manifest, blobs }, { signal }) =>
      answer(async () => {
        const { artifact, existed } = await catalog.publish({ manifest, blobs }, signal);
        return { artifact: toArtifact(artifact), existed };
      }),

    getArtifact: ({ name, includeDamaged }, { signal }) =>
      answer(async () => {
        switch (name.case) {
          case "digest":
            return { artifact: toArtifact(await catalog.get({ digest: name.value, includeDamaged, signal })) };
          case "recipeKey":
            return {
              artifact: toArtifact(await catalog.get({ recipeKey: parseDigest("recipe_key", name.value), includeDamaged, signal })),
            };
          case "ref":
            return { artifact: toArtifact(await catalog.get({ ref: parseText("ref", name.value, 200), includeDamaged, signal })) };
          default:
            throw invalidField("name", "expected digest, recipe_key or ref");
        }
      }),

    findArtifacts: ({ recipeKeys }, { signal }) =>
      answer(async () => {
        if (recipeKeys.length > MAX_FOUND) throw invalidField("recipe_keys", `at most ${MAX_FOUND} keys, not ${recipeKeys.length}`);
        const keys = recipeKeys.map((key, i) => parseDigest(`recipe_keys[${i}]`, key));
        const found = await Promise.all(keys.map((recipeKey) => findWhole(catalog, recipeKey, signal)));
        return { artifacts: found.flatMap((artifact) => (artifact ? [toArtifact(artifact)] : [])) };
      }),

    listArtifacts: (request) =>
      answer(async () => {
        const kind = kindOf(request.kind);
        if (request.kind !== 0 && kind === undefined) throw invalidField("kind", `there is no kind ${request.kind}`);
        const list = `artifacts/${kind ?? ""}`;
        const before = parsePageToken(list, request.pageToken, "number");
        const { items, next } = await catalog.artifacts.list({ kind, size: parsePageSize(request.pageSize), before });
        return { artifacts: items.map(toArtifact), nextPageToken: pageToken(list, next) };
      }),

    getLineage: ({ digest, depth }) =>
      answer(async () => {
        if (depth < 0) throw invalidField("depth", `expected a number of steps, or 0 for all; got ${depth}`);
        return { artifacts: (await catalog.artifacts.lineage(digest, depth)).map(toArtifact) };
      }),

    moveRef: ({ name, from, to, reason }) =>
      answer(async () => {
        if (reason.length > 1000) throw invalidField("reason", `expected at most 1000 characters, got ${reason.length}`);
        const move = { name, from: parseOptionalDigest("from", from), to: parseOptionalDigest("to", to), reason };
        return { ref: toRef(await catalog.refs.move(move)) };
      }),

    listRefs: (request) =>
      answer(async () => {
        const list = `refs/${request.prefix}`;
        const after = parsePageToken(list, request.pageToken, "string");
        const { items, next } = await catalog.refs.list({ prefix: request.prefix, size: parsePageSize(request.pageSize), after });
        return { refs: items.map(toRef), nextPageToken: pageToken(list, next) };
      }),

    pin: ({ holder, digests }) =>
      answer(async () => {
        const parsed = digests.map((digest, index) => parseDigest(`digests[${index}]`, digest));
        await catalog.pins.pin(parseText("holder", holder, 200), parsed);
        return {};
      }),

    unpin: ({ holder }) =>
      answer(async () => {
        await catalog.pins.unpin(parseText("holder", holder, 200));
        return {};
      }),

    collectGarbage: ({ dryRun, minAgeSeconds }, { signal }) =>
      answer(async () => {
        const minAge = parseAmount("min_age_seconds", minAgeSeconds) || DEFAULT_MIN_AGE_SECONDS;
        const { artifacts, blobs, freedBytes } = await catalog.collectGarbage({ dryRun, minAgeMs: minAge * 1000, signal });
        return { artifacts, blobs, freedBytes: BigInt(freedBytes) };
      }),
  };
}

async function openUpload(requests: AsyncIterable<UploadBlobRequest>) {
  const iterator = requests[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done || first.value.part.case !== "header") throw invalidField("header", "expected in the first message");
  const { digest, sizeBytes } = first.value.part.value;
  const header = {
    digest: parseOptionalDigest("header.digest", digest),
    size: sizeBytes > 0n ? parseAmount("header.size_bytes", sizeBytes) : undefined,
  };
  return { header, chunks: chunksOf(iterator) };
}

async function* chunksOf(requests: AsyncIterator<UploadBlobRequest>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = await requests.next(); !next.done; next = await requests.next()) {
      const { part } = next.value;
      if (part.case !== "chunk") throw invalidField("chunk", "expected in every message after the first");
      if (part.value.byteLength > MAX_CHUNK_BYTES)
        throw invalidField("chunk", `it has ${part.value.byteLength} bytes, at most ${MAX_CHUNK_BYTES} are allowed`);
      yield part.value;
    }
  } finally {
    await requests.return?.();
  }
}

function toArtifact(artifact: ArtifactRecord): MessageInitShape<typeof ArtifactSchema> {
  const { digest, kind, manifest, recipeKey, inputs, sizeBytes, damaged } = artifact;
  return { digest, kind: artifactKinds[kind], manifest, recipeKey, inputs: [...inputs], sizeBytes: BigInt(sizeBytes), damaged };
}

function toRef({ name, digest, history }: RefRecord): MessageInitShape<typeof RefSchema> {
  const moves = history.map((move) => ({
    digest: move.digest ?? "",
    reason: move.reason,
    movedAt: BigInt(Math.floor(move.movedAt / 1000)),
  }));
  return { name, digest: digest ?? "", history: moves };
}

async function answer<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toRpcError(error);
  }
}

const factories: { readonly [R in CatalogErrorReason]: (message: string, details: RpcErrorDetails) => RpcError } = {
  AMBIGUOUS_DIGEST: invalidArgument,
  ARTIFACT_DAMAGED: notFound,
  ARTIFACT_NOT_FOUND: notFound,
  BLOB_CORRUPTED: dataLoss,
  BLOB_MISSING: failedPrecondition,
  BLOB_NOT_FOUND: notFound,
  INPUT_MISSING: failedPrecondition,
  INVALID_FIELD: invalidArgument,
  LINEAGE_TOO_LARGE: resourceExhausted,
  RECIPE_NOT_REPRODUCED: alreadyExists,
  REF_MOVED: aborted,
  REF_NOT_FOUND: notFound,
};

async function findWhole(catalog: Catalog, recipeKey: Digest, signal: AbortSignal): Promise<ArtifactRecord | undefined> {
  try {
    return await catalog.get({ recipeKey, includeDamaged: false, signal });
  } catch (error) {
    if (error instanceof CatalogError && (error.reason === "ARTIFACT_NOT_FOUND" || error.reason === "ARTIFACT_DAMAGED")) return undefined;
    throw error;
  }
}

function toRpcError(error: unknown): unknown {
  if (error instanceof CatalogError) {
    const { reason, facts, field, message } = error;
    const violations = field === undefined ? [] : [{ field, description: message.replace(`${field}: `, "") }];
    return factories[reason](message, { reason, metadata: facts, violations, cause: error });
  }
  if (error instanceof DigestMismatchError) {
    const field = error.field === "digest" ? "header.digest" : "header.size_bytes";
    return invalidArgument(error.message, { reason: "BLOB_MISMATCH", violations: [{ field, description: error.message }], cause: error });
  }
  if (error instanceof NoSpaceError) return resourceExhausted(error.message, { reason: "NO_SPACE", cause: error });
  return error;
}
