import { readBody } from "#libs/http";
import { isDigest } from "#libs/recipes";
import { quote } from "#libs/text";
import type { Catalog } from "./catalog.ts";
import { ociError } from "./errors.ts";
import { deleteManifest, deleteTag } from "./manifests/delete-manifest.ts";
import { findByDigest, findByTag, MOST_MANIFEST_BYTES } from "./manifests/find-manifest.ts";
import { INDEX_TYPE } from "./manifests/oci-manifest.ts";
import { pushManifest } from "./manifests/push-manifest.ts";
import { parseDigest } from "./names.ts";
import { type Referrers, referrersIndex } from "./referrers/list-referrers.ts";
import type { Exchange } from "./serve-blobs.ts";
import { listRepositories, listTags, pageOf } from "./tags.ts";

/** `GET` and `HEAD` of a manifest, by tag or digest. */
export async function getManifest(
  { catalog, referrers }: { readonly catalog: Catalog; readonly referrers: Referrers },
  { name, reference }: { readonly name: string; readonly reference: string },
  { request, response, signal }: Exchange,
): Promise<void> {
  const digest = reference.includes(":") ? parseDigest(reference) : undefined;
  const found =
    digest === undefined
      ? await findByTag(catalog, name, reference, signal)
      : ((await findByDigest(catalog, digest, signal)) ?? (await referrers.find(digest, signal)));
  if (!found) throw ociError(404, "MANIFEST_UNKNOWN", `${name} has no manifest ${reference}`);
  send(request.method, response, found.bytes, { "content-type": found.mediaType, "docker-content-digest": found.digest });
}

/** `PUT` of a manifest. */
export async function putManifest(
  catalog: Catalog,
  { name, reference }: { readonly name: string; readonly reference: string },
  { request, response, signal }: Exchange,
): Promise<void> {
  const bytes = await readBody(request, MOST_MANIFEST_BYTES);
  const pushed = { repository: name, reference, contentType: request.headers["content-type"], bytes };
  const { digest, subject } = await pushManifest(catalog, pushed, signal);
  const headers = { location: `/v2/${name}/manifests/${digest}`, "docker-content-digest": digest, "content-length": 0 };
  response.writeHead(201, { ...headers, ...(subject === undefined ? {} : { "oci-subject": subject }) }).end();
}

/** `DELETE` of a tag, or of a manifest by its digest. */
export async function removeManifest(
  catalog: Catalog,
  { name, reference }: { readonly name: string; readonly reference: string },
  { response, signal }: Exchange,
): Promise<void> {
  const done = reference.includes(":")
    ? await deleteManifest(catalog, name, parseDigest(reference), signal)
    : await deleteTag(catalog, name, reference, signal);
  if (!done) throw ociError(404, "MANIFEST_UNKNOWN", `${name} has no manifest ${reference}`);
  response.writeHead(202, { "content-length": 0 }).end();
}

/** `GET` of the tags of a repository, in pages where the caller asks for them. */
export async function getTags(catalog: Catalog, name: string, exchange: Exchange): Promise<void> {
  const tags = await listTags(catalog, name, exchange.signal);
  if (tags === undefined) throw ociError(404, "NAME_UNKNOWN", `there is no repository ${name}`);
  sendPage(exchange, tags, `/v2/${name}/tags/list`, (page) => ({ name, tags: page }));
}

/** `GET` of the repositories, likewise. */
export async function getRepositories(catalog: Catalog, exchange: Exchange): Promise<void> {
  sendPage(exchange, await listRepositories(catalog, exchange.signal), "/v2/_catalog", (repositories) => ({ repositories }));
}

function sendPage(
  { request, response, query }: Exchange,
  all: readonly string[],
  path: string,
  body: (page: readonly string[]) => object,
): void {
  const n = query.get("n");
  if (n !== null && !/^\d{1,9}$/.test(n)) throw ociError(400, "UNSUPPORTED", `n: expected how many, got ${quote(n)}`);
  const { names, more } = pageOf(all, { last: query.get("last") ?? undefined, most: n === null ? undefined : Number(n) });
  const next = more ? { link: `<${path}?n=${n}&last=${names.at(-1)}>; rel="next"` } : {};
  const bytes = new TextEncoder().encode(JSON.stringify(body(names)));
  send(request.method, response, bytes, { "content-type": "application/json", ...next });
}

/** `GET` of what refers to a manifest, all or those of one type. */
export async function getReferrers(referrers: Referrers, text: string, { request, response, query, signal }: Exchange): Promise<void> {
  // A subject with a digest of another sort can be referred to; what refers to it is found by nobody.
  const all = isDigest(text) ? await referrers.list(text, signal) : [];
  if (!/^[a-z0-9+._-]+:[A-Za-z0-9=_-]+$/.test(text)) parseDigest(text);
  const wanted = query.get("artifactType");
  const listed = wanted === null ? all : all.filter(({ artifactType }) => artifactType === wanted);
  const filters = wanted === null ? {} : { "oci-filters-applied": "artifactType" };
  send(request.method, response, referrersIndex(listed), { "content-type": INDEX_TYPE, ...filters });
}

function send(method: string | undefined, response: Exchange["response"], bytes: Uint8Array, headers: Record<string, string>): void {
  response.writeHead(200, { ...headers, "content-length": bytes.length });
  response.end(method === "HEAD" ? undefined : bytes);
}
