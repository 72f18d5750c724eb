import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { after, test } from "node:test";
import { type Digest, digestOf, mediaTypes } from "#libs/recipes";
import { waitFor } from "#libs/testing";
import { startOci } from "./testing/start-oci.ts";

const oci = await startOci();
after(() => oci[Symbol.asyncDispose]());
const base = `${oci.registry.url}/v2`;

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** A request, and what of the answer matters. */
async function ask(method: string, path: string, { body, headers = {} }: { body?: Uint8Array; headers?: Record<string, string> } = {}) {
  const url = path.startsWith("/") ? oci.registry.url + path : `${base}/${path}`;
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  const code = response.status >= 400 && text !== "" ? (JSON.parse(text) as { errors: { code: string }[] }).errors[0]?.code : undefined;
  return { status: response.status, header: (name: string) => response.headers.get(name), bytes, text, code };
}

/** Pushes a blob in one request. */
async function push(body: Uint8Array): Promise<Digest> {
  const digest = digestOf(body);
  assert.equal((await ask("POST", `some/where/blobs/uploads/?digest=${digest}`, { body })).status, 201);
  return digest;
}

async function begin(): Promise<string> {
  const { status, header } = await ask("POST", "some/where/blobs/uploads/");
  assert.equal(status, 202);
  return header("location")!;
}

test("a blob comes in chunks, in their order only, and is stored where its digest is right", async () => {
  const place = await begin();
  const chunk = (text: string, range: string) => ask("PATCH", place, { body: bytesOf(text), headers: { "content-range": range } });
  assert.equal((await chunk("world", "6-10")).status, 416);
  const first = await chunk("hello ", "0-5");
  assert.deepEqual([first.status, first.header("range"), first.header("location")], [202, "0-5", place]);
  const again = await chunk("hello ", "0-5");
  assert.deepEqual([again.status, again.code, again.header("range")], [416, "BLOB_UPLOAD_INVALID", "0-5"]);
  const state = await ask("GET", place);
  assert.deepEqual([state.status, state.header("range")], [204, "0-5"]);
  const digest = digestOf("hello world");
  const done = await ask("PUT", `${place}?digest=${digest}`, { body: bytesOf("world"), headers: { "content-range": "6-10" } });
  assert.deepEqual([done.status, done.header("location")], [201, `/v2/some/where/blobs/${digest}`]);
  assert.equal((await ask("GET", `any/where/blobs/${digest}`)).text, "hello world");
  assert.equal((await ask("GET", place)).code, "BLOB_UPLOAD_UNKNOWN");

  const lying = await begin();
  await ask("PATCH", lying, { body: bytesOf("hello") });
  assert.equal((await ask("PUT", `${lying}?digest=${digest}`)).code, "DIGEST_INVALID");
  assert.equal((await ask("POST", `some/where/blobs/uploads/?digest=${digest}`, { body: bytesOf("other") })).code, "DIGEST_INVALID");
  const short = await begin();
  assert.equal((await ask("PATCH", short, { body: bytesOf("abc"), headers: { "content-range": "0-9" } })).code, "SIZE_INVALID");
});

test("an upload that is cut in the middle of a request goes on behind what has come", async () => {
  const place = await begin();
  const socket = connect(Number(new URL(base).port), "127.0.0.1", () =>
    socket.write(`PATCH ${place} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nfirst half, `),
  );
  await waitFor(async () => (await ask("GET", place)).header("range") === "0-11", { what: "the first half" });
  socket.destroy();
  const rest = () => ask("PATCH", place, { body: bytesOf("second half"), headers: { "content-range": "12-22" } });
  await waitFor(async () => (await rest()).status === 202, { what: "the end of the request that was cut" });
  const digest = digestOf("first half, second half");
  assert.equal((await ask("PUT", `${place}?digest=${digest}`)).status, 201);
});

test("a range of a blob, its head, and none of what is not there", async () => {
  const digest = await push(bytesOf("0123456789"));
  const range = await ask("GET", `a/blobs/${digest}`, { headers: { range: "bytes=3-5" } });
  assert.deepEqual([range.status, range.text, range.header("content-range")], [206, "345", "bytes 3-5/10"]);
  const head = await ask("HEAD", `a/blobs/${digest}`);
  assert.deepEqual([head.status, head.header("content-length"), head.header("docker-content-digest")], [200, "10", digest]);
  const beyond = await ask("GET", `a/blobs/${digest}`, { headers: { range: "bytes=10-" } });
  assert.deepEqual([beyond.status, beyond.header("content-range")], [416, "bytes */10"]);
  assert.equal((await ask("GET", `a/blobs/${digestOf("nobody has this")}`)).code, "BLOB_UNKNOWN");
  assert.equal((await ask("GET", "a/blobs/sha256:short")).code, "DIGEST_INVALID");
  assert.equal((await ask("POST", `a/blobs/uploads/?mount=${digest}&from=some/where`)).status, 201);
  const removed = await ask("DELETE", `a/blobs/${digest}`);
  assert.deepEqual([removed.status, removed.code, removed.header("allow")], [405, "UNSUPPORTED", "GET, HEAD"]);
});

test("blobs are read from the catalog's files where they can be, once the catalog has looked at them: a damaged one is not given", async () => {
  await using near = await startOci({ near: true });
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const { digest } = await near.artifacts.upload(body, { mediaType: mediaTypes.sourceLayer });
  const get = async (headers: Record<string, string> = {}) => {
    const response = await fetch(`${near.registry.url}/v2/a/blobs/${digest}`, { headers });
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
  };
  assert.deepEqual(await get(), { status: 200, bytes: body });
  assert.deepEqual(await get({ range: "bytes=100-40099" }), { status: 206, bytes: body.slice(100, 40_100) });
  await writeFile(near.blobPath(digest), body.with(500, body[500]! ^ 1));
  assert.equal((await get()).status, 500);
  assert.equal((await get()).status, 404);
});

test("tags come in pages, each with the way to the next", async () => {
  const model = await oci.importModel("paged", [1]);
  for (const name of ["paged", "paged/a", "paged/b", "paged/c", "paged/deep/er"]) await oci.catalog.moveRef({ name, to: model });
  await oci.catalog.moveRef({ name: "paged/c", from: model });
  const first = await ask("GET", "paged/tags/list?n=2");
  assert.deepEqual(JSON.parse(first.text), { name: "paged", tags: ["a", "b"] });
  const [, next = ""] = /^<([^>]+)>; rel="next"$/.exec(first.header("link") ?? "") ?? [];
  const second = await ask("GET", next);
  assert.deepEqual([JSON.parse(second.text).tags, second.header("link")], [["latest"], null]);
  assert.equal((await ask("GET", "paged/tags/list?n=two")).status, 400);
  assert.equal((await ask("GET", "pag/tags/list")).code, "NAME_UNKNOWN");
});

test("a model that something needs is not deleted, and keeps its tags", async () => {
  const parents = [await oci.importModel("needed", [4]), await oci.importModel("needed too", [5])] as const;
  const average = await oci.average(parents);
  await oci.catalog.moveRef({ name: "needed/one", to: parents[0] });
  const refused = await ask("DELETE", `needed/manifests/${parents[0]}`);
  assert.deepEqual([refused.status, refused.code], [405, "UNSUPPORTED"]);
  assert.equal((await ask("GET", "needed/manifests/one")).header("docker-content-digest"), parents[0]);
  assert.equal((await ask("DELETE", `needed/manifests/${average}`)).status, 202);
  assert.equal((await ask("GET", `needed/manifests/${average}`)).code, "MANIFEST_UNKNOWN");
  assert.equal((await ask("DELETE", `needed/manifests/${parents[0]}`)).status, 202);
  assert.equal((await ask("GET", "needed/manifests/one")).code, "MANIFEST_UNKNOWN");
});

test("recipe and lineage are found by their own digests, also after a collection of garbage", async () => {
  const parents = [await oci.importModel("kept", [6]), await oci.importModel("kept too", [7])] as const;
  const average = await oci.average(parents);
  await oci.catalog.moveRef({ name: "kept/average", to: average });
  const { manifests } = JSON.parse((await ask("GET", `kept/referrers/${average}`)).text) as { manifests: { digest: string }[] };
  assert.equal(manifests.length, 2);
  oci.clock.aheadMs = 7_200_000;
  assert.notDeepEqual((await oci.catalog.collectGarbage({})).blobs, []);
  for (const { digest } of manifests) {
    const { bytes, text } = await ask("GET", `kept/manifests/${digest}`);
    assert.equal(digestOf(bytes), digest);
    assert.equal(JSON.parse(text).subject.digest, average);
  }
  const none = await ask("GET", `kept/referrers/${digestOf("nobody")}`);
  assert.deepEqual([none.status, JSON.parse(none.text).manifests], [200, []]);
});

test("what is no manifest, no name and no endpoint is refused with what would be right", async () => {
  const put = (body: string, type: string = mediaTypes.manifest, reference = "v1") =>
    ask("PUT", `a/manifests/${reference}`, { body: bytesOf(body), headers: { "content-type": type } });
  const config = { mediaType: mediaTypes.empty, digest: digestOf("not pushed"), size: 2 };
  const wrongSize = await push(bytesOf("12345"));
  const there = { mediaType: mediaTypes.modelConfig, digest: wrongSize, size: 5 };
  const layers = ["one", "other"].map((name) => ({ mediaType: mediaTypes.weights, digest: digestOf(name), size: 3 }));
  const missing = { schemaVersion: 2, artifactType: mediaTypes.model, config: there, layers };
  for (const [answer, code, message] of [
    [await put("{"), "MANIFEST_INVALID", /is a JSON object/],
    [await put('{"schemaVersion":1}'), "MANIFEST_INVALID", /schemaVersion: expected 2/],
    [await put('{"schemaVersion":2}'), "MANIFEST_INVALID", /config\.mediaType/],
    [await put('{"schemaVersion":2}', "text/plain"), "MANIFEST_INVALID", /expected one of/],
    [await put(JSON.stringify({ schemaVersion: 2, config, layers: [] })), "MANIFEST_BLOB_UNKNOWN", /push it first/],
    [await put(JSON.stringify({ schemaVersion: 2, config: { ...config, digest: wrongSize }, layers: [] })), "MANIFEST_INVALID", /it has 5/],
    [await put(JSON.stringify(missing)), "MANIFEST_BLOB_UNKNOWN", /push it first/],
    [await put("{}", mediaTypes.manifest, `sha256:${"0".repeat(63)}`), "MANIFEST_INVALID", /./],
    [await ask("GET", "UPPER/tags/list"), "NAME_INVALID", /no name of a repository/],
    [await ask("GET", "oci/manifests/tags/list"), "NAME_INVALID", /service's own/],
    [await ask("GET", "/v1/"), "UNSUPPORTED", /below \/v2\//],
    [await ask("POST", "a/tags/list"), "UNSUPPORTED", /there are GET, HEAD/],
  ] as const) {
    assert.equal(answer.code, code, answer.text);
    assert.match(answer.text, message);
  }
  assert.equal((await put(" ".repeat((4 << 20) + 1))).status, 413);
});
