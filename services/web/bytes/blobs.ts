import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { notFound, type ServiceClient } from "#libs/rpc";
import type { CatalogService } from "#proto/ratatouille/v1/catalog_pb.ts";
import { answer, answerJson, refuse } from "../answers.ts";
import { chunksFrom } from "./chunks.ts";
import { progress, refuseRest } from "./progress.ts";
import { sentRange } from "./sent-range.ts";
import { wantedRange } from "./wanted-range.ts";

type Catalog = Pick<ServiceClient<typeof CatalogService>, "getUpload" | "uploadBlob" | "downloadBlob">;

/** Bytes of a digest never change. */
const FOREVER = "max-age=31536000, immutable";

/**
 * GET and HEAD of a blob: with ranges, and `ETag`, which is the digest. Of a blob that is not there whole 404, with `Upload-Offset`: how much
 * of it is there of an upload that broke.
 */
export async function downloadBlob(
  catalog: Catalog,
  digest: string,
  { method, header, signal }: UniversalServerRequest,
): Promise<UniversalServerResponse> {
  const { sizeBytes, receivedBytes } = await catalog.getUpload({ digest }, { signal });
  if (sizeBytes === undefined) return withoutBody(method, refuse(missing(digest), progress(receivedBytes)));
  const size = Number(sizeBytes);
  const etag = `"${digest}"`;
  const common = { etag, "cache-control": FOREVER, "accept-ranges": "bytes" };
  const known = (header.get("if-none-match") ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (known.includes(etag) || known.includes("*")) return { status: 304, header: new Headers(common) };
  const ranged = (header.get("if-range") ?? etag) === etag;
  const range = ranged ? wantedRange(header.get("range"), size) : undefined;
  if (range === "none") return answer(416, { ...common, "content-range": `bytes */${size}` });
  const { first, last } = range ?? { first: 0, last: size - 1 };
  const headers = {
    ...common,
    "content-type": "application/octet-stream",
    "content-length": String(last - first + 1),
    ...(range === undefined ? {} : { "content-range": `bytes ${first}-${last}/${size}` }),
  };
  const answered = { status: range === undefined ? 200 : 206, header: new Headers(headers) };
  if (method === "HEAD" || size === 0) return answered;
  async function* body() {
    const wanted = { digest, offset: BigInt(first), length: BigInt(last - first + 1) };
    for await (const { chunk } of catalog.downloadBlob(wanted, { timeoutMs: 0, signal })) yield chunk;
  }
  return { ...answered, body: body() };
}

/**
 * PUT of a blob, all of it or the rest (see `sentRange`). What came is kept where it breaks off, and the same again goes on behind it. 201 with
 * digest and size; 200 where it was there already, and nothing was taken; 409 with `Upload-Offset` where bytes before the rest are missing.
 */
export async function uploadBlob(
  catalog: Catalog,
  digest: string,
  { header, body, signal }: UniversalServerRequest,
): Promise<UniversalServerResponse> {
  const sent = sentRange(header);
  const { sizeBytes, receivedBytes } = await catalog.getUpload({ digest }, { signal });
  const stored = { digest, sizeBytes: String(sent.size) };
  if (sizeBytes === BigInt(sent.size)) return answerJson(200, stored);
  const offset = Number(receivedBytes);
  if (sent.from > offset) return refuseRest(offset);
  async function* parts() {
    yield { part: { case: "header" as const, value: { digest, sizeBytes: BigInt(sent.size), keep: true, offset: receivedBytes } } };
    for await (const chunk of chunksFrom(body as AsyncIterable<Uint8Array>, sent, offset)) {
      yield { part: { case: "chunk" as const, value: chunk } };
    }
  }
  await catalog.uploadBlob(parts(), { timeoutMs: 0, signal });
  return answerJson(201, stored, { location: `/v1/blobs/${digest}` });
}

function missing(digest: string) {
  return notFound(`no blob ${digest}`, { reason: "BLOB_NOT_FOUND", metadata: { digest } });
}

function withoutBody(method: string, given: UniversalServerResponse): UniversalServerResponse {
  if (method !== "HEAD") return given;
  const { status, header } = given;
  return { status, ...(header ? { header } : {}) };
}
