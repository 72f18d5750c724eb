import type { Digest } from "#libs/recipes";
import { type Implementation, invalidField, pageToken, parseAmount, parsePageSize, parsePageToken, parseText } from "#libs/rpc";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { type ArtifactRecord, fitReply, replyBytes } from "./artifacts.ts";
import type { VerifyBudget } from "./blobs.ts";
import type { Catalog } from "./catalog.ts";
import { parsePositionToken } from "./check.ts";
import { CatalogError } from "./errors.ts";
import { kindOf } from "./kinds.ts";
import { answer, toRpcError } from "./refusals.ts";
import { toArtifact, toCheckEvent, toRef, toRetentionRule, toTag } from "./replies.ts";
import {
  parseAnnotating,
  parseArtifactName,
  parseChunkSums,
  parseDigest,
  parseDigests,
  parseGrouping,
  parseNamed,
  parseOptionalDigest,
  parseRefName,
  parseRetentionRule,
  parseTagName,
  parseWalk,
  parseWord,
} from "./requests.ts";
import { parseOrder, parsePosition, positionText } from "./search/order.ts";
import { allOf, parseFilter } from "./search/parse-filter.ts";
import { readTensors } from "./tensors.ts";
import { openUpload } from "./uploads.ts";

const DEFAULT_MIN_AGE_SECONDS = 3600;
/** Blobs of one FindMissing. */
const MAX_ASKED_BLOBS = 1000;
/** Recipes of one FindArtifacts. */
const MAX_FOUND = 256;
/** Artifacts of one FindCommonAncestors. */
const MAX_COMPARED = 100;
/** Recipes that are looked up at once: their manifests are in memory together. */
const FOUND_AT_ONCE = 32;

/** CatalogService on a catalog: requests are checked here, refusals get their code. */
export function createCatalogService(catalog: Catalog): Implementation<typeof CatalogService> {
  return {
    uploadBlob: (requests, { signal }) =>
      answer(async () => {
        const { header, given, chunks } = await openUpload(requests, catalog.chunks.read);
        const { digest, size } = given
          ? await catalog.blobs.take(given.name, { digest: given.digest, size: header.size, signal })
          : await catalog.blobs.put(chunks, { ...header, signal });
        return { digest, sizeBytes: BigInt(size) };
      }),

    findMissing: (request, { signal }) =>
      answer(async () => {
        const digests = parseDigests("blobs", request.blobs, MAX_ASKED_BLOBS);
        const sums = parseChunkSums("chunks", request.chunks);
        const budget = catalog.verifyBudget();
        const blobs: string[] = [];
        for (const digest of digests) if (!(await catalog.blobs.renew(digest, { budget, signal }))) blobs.push(digest);
        return { blobs, chunks: await catalog.chunks.missing(sums) };
      }),

    getUpload: (request) =>
      answer(async () => {
        const digest = parseDigest("digest", request.digest);
        const [received, size] = await Promise.all([catalog.blobs.received(digest), catalog.blobs.size(digest)]);
        return { receivedBytes: BigInt(received), ...(size === undefined ? {} : { sizeBytes: BigInt(size) }) };
      }),

    async *downloadBlob(request, { signal }) {
      try {
        const digest = parseDigest("digest", request.digest);
        const offset = parseAmount("offset", request.offset);
        const length = parseAmount("length", request.length) || undefined;
        for await (const chunk of catalog.blobs.read(digest, { offset, length, signal })) yield { chunk };
      } catch (error) {
        throw toRpcError(error instanceof RangeError ? invalidField("offset", error.message) : error);
      }
    },

    async *readTensors(request, { signal }) {
      try {
        yield* readTensors(catalog, request, signal);
      } catch (error) {
        throw toRpcError(error);
      }
    },

    publishArtifact: ({ manifest, blobs }, { signal }) =>
      answer(async () => {
        const { artifact, existed } = await catalog.publish({ manifest, blobs }, signal);
        return { artifact: toArtifact(artifact), existed };
      }),

    importModel: (request, { signal }) =>
      answer(async () => {
        const { artifact, existed } = await catalog.importModel(request, signal);
        return { artifact: toArtifact(artifact), existed };
      }),

    getArtifact: ({ name, includeDamaged }, { signal }) =>
      answer(async () => ({ artifact: toArtifact(await catalog.get({ ...parseArtifactName("name", name), includeDamaged, signal })) })),

    findArtifacts: ({ recipeKeys }, { signal }) =>
      answer(async () => {
        if (recipeKeys.length > MAX_FOUND) throw invalidField("recipe_keys", `at most ${MAX_FOUND} keys, not ${recipeKeys.length}`);
        const keys = recipeKeys.map((key, i) => parseDigest(`recipe_keys[${i}]`, key));
        const found = await findFitting(catalog, keys, signal);
        return { artifacts: found.flatMap((artifact) => (artifact ? [toArtifact(artifact)] : [])), answered: found.length };
      }),

    listArtifacts: (request) =>
      answer(async () => {
        const kind = kindOf(request.kind);
        if (request.kind !== 0 && kind === undefined) throw invalidField("kind", `there is no kind ${request.kind}`);
        const order = parseOrder(request.orderBy);
        const filter = allOf(parseFilter(kind === undefined ? "" : `kind = ${kind}`), parseFilter(request.filter));
        const list = `artifacts/${kind ?? ""}/${request.orderBy}/${request.filter}`;
        const token = parsePageToken(list, request.pageToken, "string");
        const after = token === undefined ? undefined : parsePosition(token);
        const { items, next } = await catalog.artifacts.list({ filter, order, size: parsePageSize(request.pageSize), after });
        return { artifacts: items.map(toArtifact), nextPageToken: pageToken(list, next && positionText(next)) };
      }),

    getLineage: (request) =>
      answer(async () => {
        const { digest, depth, direction, membersOnly, pageSize } = request;
        const walk = parseWalk(request);
        if (pageSize === 0 && request.pageToken === "") return { artifacts: (await catalog.lineage.whole(digest, walk)).map(toArtifact) };
        const list = `lineage/${direction}/${depth}/${membersOnly}/${digest}`;
        const after = parsePageToken(list, request.pageToken, "number");
        const { items, next } = await catalog.lineage.page(digest, walk, { size: parsePageSize(pageSize), after });
        return { artifacts: items.map(toArtifact), nextPageToken: pageToken(list, next) };
      }),

    findCommonAncestors: ({ digests }) =>
      answer(async () => {
        if (digests.length < 2 || digests.length > MAX_COMPARED)
          throw invalidField("digests", `expected 2 to ${MAX_COMPARED}, got ${digests.length}`);
        const parsed = digests.map((digest, i) => parseDigest(`digests[${i}]`, digest));
        return { artifacts: (await catalog.lineage.commonAncestors(parsed)).map(toArtifact) };
      }),

    async *exportLineage({ artifact, format }, { signal }) {
      try {
        const form = ([undefined, "cyclonedx", "prov"] as const)[format];
        if (form === undefined) throw invalidField("format", "expected LINEAGE_FORMAT_CYCLONEDX or LINEAGE_FORMAT_PROV");
        for await (const chunk of catalog.exportLineage({ name: parseNamed("artifact", artifact), format: form, signal })) yield { chunk };
      } catch (error) {
        throw toRpcError(error);
      }
    },

    async *diffArtifacts({ from, to, tensors }, { signal }) {
      try {
        const names = { from: parseNamed("from", from), to: parseNamed("to", to) };
        for await (const event of catalog.diff({ ...names, tensors, signal })) yield { event };
      } catch (error) {
        throw toRpcError(error);
      }
    },

    moveRef: ({ name, from, to, reason }) =>
      answer(async () => {
        if (reason !== "") parseText("reason", reason, 1000);
        const move = {
          name: parseRefName("name", name),
          from: parseOptionalDigest("from", from),
          to: parseOptionalDigest("to", to),
          reason,
        };
        return { ref: toRef(await catalog.refs.move(move)) };
      }),

    listRefs: (request) =>
      answer(async () => {
        if (request.prefix !== "") parseText("prefix", request.prefix, 200);
        const list = `refs/${request.prefix}`;
        const after = parsePageToken(list, request.pageToken, "string");
        const { items, next } = await catalog.refs.list({ prefix: request.prefix, size: parsePageSize(request.pageSize), after });
        return { refs: items.map(toRef), nextPageToken: pageToken(list, next) };
      }),

    createTag: ({ name, digest }) =>
      answer(async () => ({ tag: toTag(await catalog.tags.create(parseTagName("name", name), parseDigest("digest", digest))) })),

    deleteTag: ({ name }) =>
      answer(async () => {
        await catalog.tags.remove(parseTagName("name", name));
        return {};
      }),

    listTags: (request) =>
      answer(async () => {
        if (request.prefix !== "") parseText("prefix", request.prefix, 200);
        const list = `tags/${request.prefix}`;
        const after = parsePageToken(list, request.pageToken, "string");
        const { items, next } = await catalog.tags.list({ prefix: request.prefix, size: parsePageSize(request.pageSize), after });
        return { tags: items.map(toTag), nextPageToken: pageToken(list, next) };
      }),

    annotateArtifact: (request) => answer(async () => ({ artifact: toArtifact(await catalog.annotate(parseAnnotating(request))) })),

    pin: ({ holder, digests }) =>
      answer(async () => {
        await catalog.pins.pin(parseText("holder", holder, 200), parseDigests("digests", digests));
        return {};
      }),

    unpin: ({ holder, digests, discard }) =>
      answer(async () => {
        const some = digests.length === 0 ? undefined : parseDigests("digests", digests);
        await catalog.pins.unpin(parseText("holder", holder, 200), { digests: some, discard });
        return {};
      }),

    deleteArtifact: ({ digest }) =>
      answer(async () => {
        await catalog.deleteArtifact(parseDigest("digest", digest));
        return {};
      }),

    setRetentionRule: ({ rule }) =>
      answer(async () => {
        const parsed = parseRetentionRule(rule);
        await catalog.retention.set(parsed);
        return { rule: toRetentionRule(parsed) };
      }),

    deleteRetentionRule: ({ name }) =>
      answer(async () => {
        await catalog.retention.remove(parseWord("name", name));
        return {};
      }),

    listRetentionRules: () => answer(async () => ({ rules: (await catalog.retention.list()).map(toRetentionRule) })),

    async *checkCatalog({ resumeToken }, { signal }) {
      try {
        const from = resumeToken === "" ? undefined : parsePositionToken(resumeToken);
        if (resumeToken !== "" && from === undefined) throw invalidField("resume_token", "expected the resume_token of a progress");
        for await (const event of catalog.check({ from, signal })) yield { event: toCheckEvent(event) };
      } catch (error) {
        throw toRpcError(error);
      }
    },

    getStorageUsage: (request) =>
      answer(async () => {
        const grouping = parseGrouping(request.group);
        const list = `usage/${JSON.stringify(grouping)}`;
        const after = parsePageToken(list, request.pageToken, "string");
        const { items, next, storedBytes } = await catalog.usage({ grouping, size: parsePageSize(request.pageSize), after });
        const usages = items.map(({ name, artifacts, bytes }) => ({ name, artifacts: BigInt(artifacts), bytes: BigInt(bytes) }));
        return { usages, nextPageToken: pageToken(list, next), storedBytes: BigInt(storedBytes) };
      }),

    collectGarbage: ({ dryRun, minAgeSeconds }, { signal }) =>
      answer(async () => {
        const minAge = parseAmount("min_age_seconds", minAgeSeconds) || DEFAULT_MIN_AGE_SECONDS;
        const { young, freedBytes, ...gone } = await catalog.collectGarbage({ dryRun, minAgeMs: minAge * 1000, signal });
        return {
          ...gone,
          freedBytes: BigInt(freedBytes),
          youngArtifacts: young.artifacts,
          youngBlobs: young.blobs,
          youngBytes: BigInt(young.bytes),
        };
      }),
  };
}

/** The artifacts of the first of these keys, as many as fit one reply, at least one; undefined where there is none. */
async function findFitting(catalog: Catalog, keys: readonly Digest[], signal: AbortSignal): Promise<(ArtifactRecord | undefined)[]> {
  const budget = catalog.verifyBudget();
  const found: (ArtifactRecord | undefined)[] = [];
  for (let start = 0; start < keys.length; start += FOUND_AT_ONCE) {
    const block = keys.slice(start, start + FOUND_AT_ONCE);
    found.push(...(await Promise.all(block.map((key) => findWhole(catalog, key, budget, signal)))));
    const { items, more } = fitReply(found, keys.length, (artifact) => (artifact ? replyBytes(artifact) : 0));
    if (more) return items;
  }
  return found;
}

async function findWhole(
  catalog: Catalog,
  recipeKey: Digest,
  budget: VerifyBudget,
  signal: AbortSignal,
): Promise<ArtifactRecord | undefined> {
  try {
    return await catalog.get({ recipeKey, includeDamaged: false, budget, signal });
  } catch (error) {
    if (error instanceof CatalogError && (error.reason === "ARTIFACT_NOT_FOUND" || error.reason === "ARTIFACT_DAMAGED")) return undefined;
    throw error;
  }
}
