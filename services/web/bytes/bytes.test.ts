import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { after, test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { openLocalBus } from "#libs/bus";
import { connect as connectRpc, serve } from "#libs/rpc";
import { createLogger } from "#libs/telemetry";
import { writeSafetensors } from "#libs/tensors";
import { temporaryDirectory, waitFor } from "#libs/testing";
import { AveragingService } from "#proto/ratatouille/v1/averaging_pb.ts";
import { createCatalog } from "../../catalog/index.ts";
import { createSessions } from "../../sessions/index.ts";
import { served } from "../testing/served.ts";
import { chunksFrom } from "./chunks.ts";

const opening = new AsyncDisposableStack();
after(() => opening.disposeAsync());
const directory = opening.use(await temporaryDirectory());
const log = createLogger({ service: "test", destination: directory.join("log") });
const bus = opening.use(await openLocalBus({ path: ":memory:" }));
const catalog = opening.use(await createCatalog({ directory: directory.join("catalog"), bus, log }));
const catalogServer = opening.use(await serve({ address: "127.0.0.1:0", services: catalog.registrations, log, drainMs: 0 }));
const sessions = opening.use(
  await createSessions({ directory: directory.join("sessions"), clients: opening.use(connectRpc(catalogServer.address)), log }),
);
const web = opening.use(await served([...catalog.registrations, ...sessions.registrations]));

const LENGTH = 3_500_000;
const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const bytesOf = (seed: number, length = LENGTH) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 17 + (i >> 9)) % 256);
const run = promisify(execFile);

type Answer = { readonly status: number; readonly header: (name: string) => string | undefined; readonly body: Buffer };

async function curl(...args: readonly string[]): Promise<Answer> {
  const headersPath = directory.join("headers");
  const options = ["--silent", "--show-error", "--max-time", "30", "--dump-header", headersPath];
  const { stdout } = await run("curl", [...options, ...args], { encoding: "buffer", maxBuffer: 1 << 26 });
  // Of several, such as 100 Continue, the last.
  const headers = (await readFile(headersPath, "utf8")).trimEnd().split("\r\n\r\n").at(-1) ?? "";
  return {
    status: Number(/^HTTP\/\S+ (\d+)/.exec(headers)?.[1]),
    header: (name) => new RegExp(`^${name}: (.*?)\r?$`, "im").exec(headers)?.[1],
    body: stdout,
  };
}

async function fileOf(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(directory.join(name), bytes);
  return directory.join(name);
}

/** Sends a PUT whose connection is cut when so many bytes of its body are on their way. */
async function cutPut(path: string, bytes: Uint8Array, sent: number, headers: readonly string[] = []): Promise<void> {
  const { hostname, port } = new URL(web.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  const head = [`PUT ${path} HTTP/1.1`, `Host: ${hostname}`, `Content-Length: ${bytes.length}`, ...headers];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  await new Promise((resolve) => socket.write(bytes.subarray(0, sent), resolve));
  socket.end();
}

const offsetOf = (answer: Answer) => Number(answer.header("upload-offset"));
/** Cuts uploads until one of them has left bytes, and gives the answer that says so: what is on its way to the service at a cut may be lost. */
function kept(cut: () => Promise<void>, look: () => Promise<Answer>): Promise<Answer> {
  const found = async () => {
    await cut();
    const answer = await look();
    return offsetOf(answer) > 0 && answer;
  };
  return waitFor(found, { timeoutMs: 20_000, what: "bytes that were kept" });
}

const errorOf = ({ body }: Answer) => {
  const { code, details } = JSON.parse(body.toString()) as { code: string; details: { debug: { reason: string } }[] };
  return [code, details[0]?.debug.reason];
};

test("a blob is sent, read in whole and in parts, and never sent twice", async () => {
  const bytes = bytesOf(1);
  const file = await fileOf("blob", bytes);
  const url = `${web.url}/v1/blobs/${sha256(bytes)}`;
  assert.deepEqual(errorOf(await curl(url)), ["not_found", "BLOB_NOT_FOUND"]);
  const first = await curl("--upload-file", file, url);
  assert.deepEqual([first.status, JSON.parse(first.body.toString())], [201, { digest: sha256(bytes), sizeBytes: String(LENGTH) }]);
  assert.equal((await curl("--upload-file", file, url)).status, 200);

  const whole = await curl(url);
  assert.ok(whole.body.equals(bytes));
  const facts = ["content-length", "etag", "accept-ranges", "content-type"];
  assert.deepEqual(facts.map(whole.header), [String(LENGTH), `"${sha256(bytes)}"`, "bytes", "application/octet-stream"]);
  const head = await curl("--head", url);
  assert.deepEqual([head.status, head.header("content-length")], [200, String(LENGTH)]);
  for (const [range, from, to] of [
    ["5-9", 5, 10],
    ["3000000-", 3_000_000, LENGTH],
    ["-7", LENGTH - 7, LENGTH],
  ] as const) {
    const part = await curl("--range", range, url);
    assert.deepEqual([part.status, part.header("content-range")], [206, `bytes ${from}-${to - 1}/${LENGTH}`]);
    assert.ok(part.body.equals(bytes.subarray(from, to)), range);
  }
  const beyond = await curl("--range", `${LENGTH}-`, url);
  assert.deepEqual([beyond.status, beyond.header("content-range")], [416, `bytes */${LENGTH}`]);
  assert.equal((await curl("--header", `If-None-Match: "${sha256(bytes)}"`, url)).status, 304);
  // A download that broke off goes on.
  const half = await fileOf("half", bytes.subarray(0, 1_000_000));
  await curl("--continue-at", "-", "--output", half, url);
  assert.ok((await readFile(half)).equals(bytes));
  assert.deepEqual(web.logged, []);
});

test("an upload of a blob that was cut goes on where it stopped, with the rest or with everything", async () => {
  for (const [seed, restOnly] of [
    [2, true],
    [3, false],
  ] as const) {
    const bytes = bytesOf(seed);
    const file = await fileOf("cut", bytes);
    const path = `/v1/blobs/${sha256(bytes)}`;
    const state = await kept(
      () => cutPut(path, bytes, 2_300_000),
      () => curl("--head", web.url + path),
    );
    assert.equal(state.header("upload-complete"), "?0");
    const offset = offsetOf(state);
    assert.ok(offset >= 1 << 20 && offset <= 2_300_000, `${offset} bytes were kept`);
    const ahead = await curl("--continue-at", String(LENGTH - 1), "--upload-file", file, web.url + path);
    assert.deepEqual([ahead.status, ...errorOf(ahead)], [409, "failed_precondition", "UPLOAD_MOVED"]);
    assert.ok(offsetOf(ahead) >= offset);
    const from = restOnly ? ["--continue-at", String(offset)] : [];
    assert.equal((await curl(...from, "--upload-file", file, web.url + path)).status, 201);
    assert.ok((await curl(web.url + path)).body.equals(bytes));
  }
});

test("a wrong digest, range, method or path is refused", async () => {
  const file = await fileOf("wrong", bytesOf(4, 1000));
  const url = `${web.url}/v1/blobs/${sha256(bytesOf(5, 1000))}`;
  assert.deepEqual(errorOf(await curl("--upload-file", file, url)), ["invalid_argument", "BLOB_MISMATCH"]);
  const range = (text: string) => curl("--upload-file", file, "--header", `Content-Range: ${text}`, url);
  for (const text of ["bytes 0-9/1000", "bytes 5-2/3", "bytes 0-999/*", "rows 0-999/1000", "bytes 100-999/1000"])
    assert.deepEqual(errorOf(await range(text)), ["invalid_argument", "RANGE_INVALID"], text);
  const chunked = await curl("--upload-file", file, "--header", "Transfer-Encoding: chunked", url);
  assert.deepEqual(errorOf(chunked), ["invalid_argument", "LENGTH_MISSING"]);
  assert.deepEqual(errorOf(await curl(`${web.url}/v1/blobs/sha256:12`)), ["invalid_argument", "INVALID_FIELD"]);
  assert.deepEqual(errorOf(await curl(`${web.url}/v1/blobs/%ff`)), ["invalid_argument", "PATH_INVALID"]);
  const posted = await curl("--data", "x", url);
  assert.deepEqual([posted.status, posted.header("allow")], [405, "GET, HEAD, PUT"]);
  assert.deepEqual(web.logged, []);
});

test("contributions: cut, resumed, counted once, averaged, withdrawn", async () => {
  const averaging = `${web.url}/${AveragingService.typeName}`;
  const json = ["--header", "Content-Type: application/json"];
  const post = async (method: string, request: unknown) =>
    (await curl(...json, "--data", JSON.stringify(request), `${averaging}/${method}`)).body.toString();
  const opened = JSON.parse(await post("OpenSession", { method: "uniform" }));
  const { session, secret } = opened as { session: { id: string }; secret: string };
  const place = (who: string, bytes: Uint8Array, query = "") =>
    `/v1/sessions/${session.id}/contributions/${encodeURIComponent(who)}?digest=${sha256(bytes)}${query}`;
  const allowed = ["--header", `Session-Secret: ${secret}`];
  const model = (value: number) =>
    writeSafetensors([{ name: "w", dtype: "F32", shape: [900_000], data: new Uint8Array(new Float32Array(900_000).fill(value).buffer) }]);

  const one = model(1);
  const file = await fileOf("one", one);
  assert.deepEqual(errorOf(await curl("--upload-file", file, web.url + place("ada", one))), ["unauthenticated", "SECRET_MISSING"]);
  const wrong = await curl("--header", "Session-Secret: x", "--upload-file", file, web.url + place("ada", one));
  assert.deepEqual([wrong.status, ...errorOf(wrong)], [403, "permission_denied", "SECRET_WRONG"]);
  const headUrl = web.url + place("ada", one, `&size=${one.length}`);
  const state = await kept(
    () => cutPut(place("ada", one), one, 2_500_000, [`Session-Secret: ${secret}`]),
    () => curl("--head", ...allowed, headUrl),
  );
  assert.deepEqual([state.status, state.header("upload-complete")], [204, "?0"]);
  const ahead = await curl(...allowed, "--continue-at", String(one.length - 1), "--upload-file", file, web.url + place("ada", one));
  assert.deepEqual([ahead.status, ...errorOf(ahead)], [409, "failed_precondition", "UPLOAD_MOVED"]);
  const rest = await curl(...allowed, "--continue-at", String(offsetOf(state)), "--upload-file", file, web.url + place("ada", one));
  assert.deepEqual([rest.status, JSON.parse(rest.body.toString())], [201, { existed: false }]);
  const again = await curl(...allowed, "--upload-file", file, web.url + place("ada", one));
  assert.deepEqual([again.status, JSON.parse(again.body.toString())], [200, { existed: true }]);
  assert.equal((await curl("--head", ...allowed, headUrl)).header("upload-complete"), "?1");

  for (const [who, value] of [
    ["bob & co", 5],
    ["eve", 100],
  ] as const) {
    const bytes = model(value);
    const sent = await curl(...allowed, "--upload-file", await fileOf("other", bytes), web.url + place(who, bytes));
    assert.equal(sent.status, 201, sent.body.toString());
  }
  const none = await curl(...allowed, "--request", "DELETE", web.url + place("nobody", one));
  assert.deepEqual([none.status, ...errorOf(none)], [404, "not_found", "CONTRIBUTION_NOT_FOUND"]);
  const eve = model(100);
  const withdraw = [...allowed, "--request", "DELETE", "--upload-file", await fileOf("eve", eve)];
  assert.equal((await curl(...withdraw, web.url + place("eve", eve))).status, 204);

  const lines = (await post("Snapshot", { sessionId: session.id })).trimEnd().split("\n");
  const { artifact } = JSON.parse(lines.at(-1) ?? "") as { artifact: { manifest: string } };
  const { layers } = JSON.parse(Buffer.from(artifact.manifest, "base64").toString()) as { layers: { digest: string }[] };
  const { body } = await curl(`${web.url}/v1/blobs/${layers[0]?.digest}`);
  assert.ok(body.subarray(-3_600_000).equals(new Uint8Array(new Float32Array(900_000).fill(3).buffer)));
  assert.deepEqual(web.logged, []);
});

test("chunks of a body are those of the file from the byte that is wanted, however the body arrives", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3_000_000 }),
      fc.nat(),
      fc.nat(),
      fc.array(fc.integer({ min: 1, max: 700_000 })),
      async (size, a, b, cuts) => {
        const file = bytesOf(6, size);
        const offset = a % size;
        const from = b % (offset + 1);
        async function* body() {
          let at = from;
          for (const cut of cuts) {
            yield file.subarray(at, Math.min(size, at + cut));
            at = Math.min(size, at + cut);
          }
          yield file.subarray(at);
        }
        const chunks = await Array.fromAsync(chunksFrom(body(), { from, size }, offset));
        assert.ok(chunks.slice(0, -1).every(({ length }) => length === 1 << 20));
        assert.ok(Buffer.concat(chunks).equals(file.subarray(offset)));
      },
    ),
    { numRuns: 30 },
  );
  async function* short() {
    yield new Uint8Array(10);
  }
  await assert.rejects(Array.fromAsync(chunksFrom(short(), { from: 0, size: 11 }, 0)), /ended at byte 10 of 11/);
});
