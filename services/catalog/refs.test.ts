import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { waitFor } from "#libs/testing";
import { refMoved } from "#libs/topics";
import { buildSource, refusal, startCatalog } from "./testing/system.ts";

test("a ref moves by compare and set and remembers where it was", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const a = (await artifacts.publish(await buildSource(artifacts, 1))).digest;
  const b = (await artifacts.publish(await buildSource(artifacts, 2))).digest;
  const name = "digits/champion";

  const created = await client.moveRef({ name, to: a, reason: "the first" });
  assert.deepEqual([created.ref?.name, created.ref?.digest, created.ref?.history.length], [name, a, 1]);
  const lost = await refusal(client.moveRef({ name, to: b }), Code.ABORTED, "REF_MOVED");
  assert.equal(lost.metadata["current"], a);
  assert.ok(lost.message.includes(a));
  await refusal(client.moveRef({ name, from: b, to: a }), Code.ABORTED, "REF_MOVED");
  await refusal(client.moveRef({ name: "other", from: a, to: b }), Code.ABORTED, "REF_MOVED");

  await client.moveRef({ name, from: a, to: b, reason: "better by 2 points" });
  const deleted = await client.moveRef({ name, from: b, reason: "withdrawn" });
  assert.equal(deleted.ref?.digest, "");
  assert.deepEqual(
    deleted.ref?.history.map(({ digest, reason }) => [digest, reason]),
    [
      [b, "withdrawn"],
      [a, "better by 2 points"],
      ["", "the first"],
    ],
  );
  assert.ok(Math.abs(Number(deleted.ref?.history[0]?.movedAt) - Date.now() / 1000) < 60);
  await refusal(client.getArtifact({ name: { case: "ref", value: name } }), Code.NOT_FOUND, "REF_NOT_FOUND");
  await client.moveRef({ name, to: a, reason: "again" });
  await catalog.restart();
  assert.equal((await catalog.client.getArtifact({ name: { case: "ref", value: name } })).artifact?.digest, a);
});

test("every move is told, and no move that was refused", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const { digest } = await artifacts.publish(await buildSource(artifacts, 1));
  const told: [string, string][] = [];
  const stop = new AbortController();
  const consuming = catalog.bus.consume(refMoved, { durable: "test", concurrency: 1, signal: stop.signal }, async (moved) => {
    told.push([moved.name, moved.digest]);
  });
  await client.moveRef({ name: "a", to: digest });
  await refusal(client.moveRef({ name: "a", to: digest }), Code.ABORTED, "REF_MOVED");
  await client.moveRef({ name: "a", from: digest });
  await client.moveRef({ name: "a", to: digest });
  await waitFor(() => told.length === 3, { what: "three events" });
  assert.deepEqual(told, [
    ["a", digest],
    ["a", ""],
    ["a", digest],
  ]);
  stop.abort();
  await consuming;
});

test("of many concurrent moves one wins", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const digests = await Promise.all([1, 2, 3, 4, 5, 6].map(async (n) => (await artifacts.publish(await buildSource(artifacts, n))).digest));
  const outcomes = await Promise.allSettled(digests.map((to) => client.moveRef({ name: "race", to })));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal((await client.listRefs({})).refs[0]?.history.length, 1);
});

test("wrong moves are refused, each with its field", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const { digest } = await artifacts.publish(await buildSource(artifacts, 1));
  for (const [field, move] of [
    ["name", { name: "", to: digest }],
    ["name", { name: "a//b", to: digest }],
    ["name", { name: "sha256:abc", to: digest }],
    ["to", { name: "a", to: digest.slice(0, 20) }],
    ["from", { name: "a", from: "x", to: digest }],
    ["to", { name: "a" }],
    ["reason", { name: "a", to: digest, reason: "x".repeat(1001) }],
  ] as const) {
    const error = await refusal(client.moveRef(move), Code.INVALID_ARGUMENT, "INVALID_FIELD");
    assert.equal(error.violations[0]?.field, field, error.message);
  }
  await refusal(client.moveRef({ name: "a", to: digestOf("else") }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  assert.deepEqual((await client.listRefs({})).refs, []);
});

test("refs are listed by name, by prefix and in pages", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const { digest } = await artifacts.publish(await buildSource(artifacts, 1));
  for (const name of ["b/2", "a", "b/1", "b_", "c"]) await client.moveRef({ name, to: digest });
  const names = async (request: { prefix?: string; pageSize?: number; pageToken?: string }) => {
    const { refs, nextPageToken } = await client.listRefs(request);
    return { names: refs.map(({ name }) => name), nextPageToken };
  };
  assert.deepEqual((await names({})).names, ["a", "b/1", "b/2", "b_", "c"]);
  assert.deepEqual((await names({ prefix: "b/" })).names, ["b/1", "b/2"]);
  const first = await names({ prefix: "b", pageSize: 2 });
  assert.deepEqual(first.names, ["b/1", "b/2"]);
  const second = await names({ prefix: "b", pageSize: 2, pageToken: first.nextPageToken });
  assert.deepEqual(second, { names: ["b_"], nextPageToken: "" });
  await refusal(client.listRefs({ pageToken: first.nextPageToken }), Code.INVALID_ARGUMENT, "INVALID_FIELD");
});
