import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { buildModelManifest, buildSourceManifest, type Digest, mediaTypes, type Recipe } from "#libs/recipes";
import type { SessionAccess } from "#libs/remote-sessions";
import { Code, type RpcError } from "#libs/rpc";
import { contribute, sha256 } from "./testing/client.ts";
import { model } from "./testing/models.ts";
import { rejection, type SessionSystem, startSessions } from "./testing/system.ts";

/** Publishes weights as a model that was made of a file. */
async function publish({ artifacts }: SessionSystem, bytes: Uint8Array): Promise<{ source: Digest; digest: Digest }> {
  const file = await artifacts.upload(new TextEncoder().encode(sha256(bytes)), { mediaType: mediaTypes.sourceLayer });
  const parameters = { files: [{ path: "source", digest: file.digest, bytes: file.size }], licence: "MIT", source: sha256(bytes) };
  const imported: Recipe = { kind: "import", inputs: {}, parameters };
  const source = await artifacts.publish(buildSourceManifest({ recipe: imported, licences: ["MIT"], files: [file] }));
  const weights = await artifacts.upload(bytes, { mediaType: mediaTypes.weights });
  const recipe: Recipe = {
    kind: "train",
    inputs: { dataset: source.digest as Digest },
    parameters: {},
    seed: 1,
    arithmetic: "~a test",
  };
  const built = buildModelManifest({ recipe, licences: ["MIT"], weights, architecture: "mlp", parameterCount: 190 });
  return { source: source.digest as Digest, digest: (await artifacts.publish(built)).digest as Digest };
}

/** Contributes a model of the catalog: only a header is sent. */
async function contributeModel({ client }: SessionSystem, place: SessionAccess, contributor: string, header: object): Promise<boolean> {
  async function* requests() {
    yield { part: { case: "header" as const, value: { ...place, contributor, fromCatalog: true, ...header } } };
  }
  for await (const { event } of client.contribute(requests(), { timeoutMs: 60_000 }))
    if (event.case === "committed") return event.value.existed;
  throw new Error("the server ended without an answer");
}

test("a model of the catalog is contributed without its bytes, and counts as it does with them", async () => {
  await using system = await startSessions();
  const large = model(1, 3 << 20);
  const { digest: artifact } = await publish(system, large);
  const [near, sent] = [await system.open(), await system.open()];
  assert.equal(await contributeModel(system, near, "trainer", { artifact }), false);
  assert.equal(await contributeModel(system, near, "trainer", { artifact, digest: sha256(large), sizeBytes: BigInt(large.length) }), true);
  await contribute(system.client, sent, "trainer", large, { header: { artifact } });
  for (const place of [near, sent]) await contribute(system.client, place, "another", model(2, 3 << 20));
  const [one, other] = [await system.snapshot(near.sessionId), await system.snapshot(sent.sessionId)];
  assert.equal(one.digest, other.digest);
  assert.equal((await system.state(near.sessionId)).committed, 2);
});

test("what is no model, is another one, or is damaged is refused, and leaves nothing", async () => {
  await using system = await startSessions();
  const { source, digest: artifact } = await publish(system, model(1));
  const place = await system.open();
  const refused = async (header: object): Promise<[string, Code, string | undefined]> => {
    const error: RpcError = await rejection(contributeModel(system, place, "a", header));
    return [error.reason, error.code, error.violations[0]?.field];
  };
  assert.deepEqual(await refused({}), ["SESSION_INVALID", Code.INVALID_ARGUMENT, "header.artifact"]);
  assert.deepEqual(await refused({ artifact: source }), ["CONTRIBUTION_MISMATCH", Code.INVALID_ARGUMENT, "header.artifact"]);
  assert.deepEqual(await refused({ artifact, digest: sha256(model(2)) }), [
    "CONTRIBUTION_MISMATCH",
    Code.INVALID_ARGUMENT,
    "header.artifact",
  ]);
  assert.deepEqual(await refused({ artifact, sizeBytes: 7n }), ["CONTRIBUTION_MISMATCH", Code.INVALID_ARGUMENT, "header.size_bytes"]);
  const unknown = `sha256:${"0".repeat(64)}`;
  assert.equal((await refused({ artifact: unknown }))[1], Code.NOT_FOUND);

  const path = system.directory.join("catalog", "blobs", "sha256", sha256(model(1)).slice(7, 9), sha256(model(1)).slice(7));
  const bytes = await readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(path, bytes);
  assert.match((await refused({ artifact }))[0], /^(ARTIFACT_DAMAGED|BLOB_CORRUPTED)$/);
  assert.equal((await system.state(place.sessionId)).committed, 0);
});
