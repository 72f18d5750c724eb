import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { bytesContent, contribute, fileContent } from "#libs/remote-sessions";
import { Code, isRpcError } from "#libs/rpc";
import { startProxy, waitFor } from "#libs/testing";
import { model } from "./testing/models.ts";
import { startSessions } from "./testing/system.ts";

const system = await startSessions();
after(() => system[Symbol.asyncDispose]());

/** 1.2 MB. */
const bytes = model(1, 300_000);

test("a contribution whose connection is cut again and again goes on each time, and counts once", async () => {
  await using proxy = await startProxy(() => system.address);
  using client = system.connect(proxy.address);
  const access = await system.open();
  const cuts = [0.2, 0.5, 0.8].map((share) => share * bytes.length);
  const content = bytesContent(bytes);
  const onProgress = ({ sentBytes }: { sentBytes: number }) => {
    if (sentBytes > (cuts[0] ?? Number.POSITIVE_INFINITY)) {
      cuts.shift();
      proxy.cut();
    }
  };
  const { existed } = await contribute(client, access, { contributor: "ann", content }, { onProgress, chunkBytes: 10_000 });
  assert.deepEqual([existed, cuts, (await system.state(access.sessionId)).committed], [false, [], 1]);
  assert.ok(proxy.bytes < 2 * bytes.length, `${proxy.bytes} bytes for ${bytes.length}`);
});

test("what was aborted goes on with the same call, and what counts is not sent again", async () => {
  const access = await system.open();
  const path = system.directory.join("model.safetensors");
  await writeFile(path, bytes);
  const contribution = { contributor: "ann", content: await fileContent(path) };
  const stop = new AbortController();
  const onProgress = async ({ sentBytes }: { sentBytes: number }) => {
    if (sentBytes < bytes.length / 2) return;
    // What is on its way when a connection is cut may be lost.
    await waitFor(async () => (await system.state(access.sessionId)).stagedBytes > 0n, { what: "bytes at the server" });
    stop.abort(new Error("enough"));
  };
  const aborted = contribute(system.client, access, contribution, { signal: stop.signal, onProgress, chunkBytes: 10_000 });
  await assert.rejects(aborted, /enough/);
  const sent: number[] = [];
  const first = await contribute(system.client, access, contribution, { onProgress: ({ sentBytes }) => void sent.push(sentBytes) });
  assert.ok(first.from > 0 && sent.every((at) => at > first.from), `from ${first.from}`);
  assert.deepEqual(await contribute(system.client, access, contribution), { existed: true, from: bytes.length });
  const other = { ...contribution, content: bytesContent(model(2, 300_000)) };
  const refused = await contribute(system.client, access, other).catch((error: unknown) => error);
  assert.ok(isRpcError(refused, Code.ALREADY_EXISTS, "CONTRIBUTOR_COUNTED"), String(refused));
});
