import type { IncomingMessage, ServerResponse } from "node:http";
import { limitedBody, writeBody } from "#libs/http";
import { isDigest } from "#libs/recipes";
import { chunkOf, rangeOf } from "./blobs/ranges.ts";
import { type BlobDirectory, readBlob } from "./blobs/read-blob.ts";
import { storeBlob } from "./blobs/store-blob.ts";
import { type Upload, type Uploads, uploadHeaders } from "./blobs/uploads.ts";
import type { Catalog } from "./catalog.ts";
import { ociError } from "./errors.ts";
import { parseDigest } from "./names.ts";

/** One request of the API. */
export type Exchange = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  readonly signal: AbortSignal;
};

/** Of any size: what takes it is the catalog's disk. */
const bodyOf = (request: IncomingMessage) => limitedBody(request, Number.POSITIVE_INFINITY);

/** `GET` and `HEAD` of a blob, whole or a range of it. */
export async function getBlob(
  { catalog, directory }: { readonly catalog: Catalog; readonly directory: BlobDirectory | undefined },
  text: string,
  { request, response, signal }: Exchange,
): Promise<void> {
  const digest = parseDigest(text);
  const size = await catalog.sizeOf(digest, signal);
  if (size === undefined) throw ociError(404, "BLOB_UNKNOWN", `no blob ${digest}`);
  const range = request.method === "HEAD" ? undefined : rangeOf(request.headers.range, size);
  if (range === "unsatisfiable") throw ociError(416, "SIZE_INVALID", `the blob has ${size} bytes`, { "content-range": `bytes */${size}` });
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": range?.length ?? size,
    "docker-content-digest": digest,
    "accept-ranges": "bytes",
    etag: `"${digest}"`,
    ...(range ? { "content-range": `bytes ${range.offset}-${range.offset + range.length - 1}/${size}` } : {}),
  };
  const status = range ? 206 : 200;
  if (request.method === "HEAD" || size === 0) return void response.writeHead(status, headers).end();
  const chunks = await readBlob(catalog, { digest, size, range, directory }, signal);
  response.writeHead(status, headers);
  await writeBody(response, chunks, signal);
}

/** `POST` of an upload: mounts what is here, takes a whole blob, or begins. */
export async function beginUpload(
  { catalog, uploads }: { readonly catalog: Catalog; readonly uploads: Uploads },
  repository: string,
  { request, response, query, signal }: Exchange,
): Promise<void> {
  const mount = query.get("mount");
  // Blobs belong to no repository: what any has is here.
  if (isDigest(mount) && (await catalog.sizeOf(mount, signal)) !== undefined) return created(response, repository, mount);
  const digest = query.get("digest");
  if (digest === null) return accepted(response, 202, uploads.begin(repository));
  const whole = parseDigest(digest);
  const size = Number(request.headers["content-length"]);
  await storeBlob(catalog, bodyOf(request), { digest: whole, ...(size > 0 ? { size } : {}) }, signal);
  created(response, repository, whole);
}

/** The requests of an upload that was begun. */
export async function continueUpload(
  uploads: Uploads,
  { name, id }: { readonly name: string; readonly id: string },
  { request, response, query }: Exchange,
): Promise<void> {
  const upload = uploads.get(name, id);
  const given = request.headers["content-range"];
  const range = given === undefined ? undefined : chunkOf(given);
  if (given !== undefined && range === undefined)
    throw ociError(
      400,
      "BLOB_UPLOAD_INVALID",
      `content-range: expected first-last, such as 0-1023; got ${JSON.stringify(given.slice(0, 100))}`,
    );
  switch (request.method) {
    case "GET":
      return accepted(response, 204, upload);
    case "PATCH":
      await upload.append(bodyOf(request), range);
      return accepted(response, 202, upload);
    case "PUT": {
      const digest = parseDigest(query.get("digest") ?? "");
      await upload.finish(bodyOf(request), range, digest);
      return created(response, name, digest);
    }
    default:
      uploads.cancel(upload);
      response.writeHead(204).end();
  }
}

function accepted(response: ServerResponse, status: number, upload: Upload): void {
  response.writeHead(status, { ...uploadHeaders(upload), ...(status === 204 ? {} : { "content-length": 0 }) }).end();
}

function created(response: ServerResponse, repository: string, digest: string): void {
  const location = `/v2/${repository}/blobs/${digest}`;
  response.writeHead(201, { location, "docker-content-digest": digest, "content-length": 0 }).end();
}
