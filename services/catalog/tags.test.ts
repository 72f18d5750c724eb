import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf } from "#libs/recipes";
import { Code } from "#libs/rpc";
import { buildSource, refusal, startCatalog } from "./testing/system.ts";

test("a tag never means another artifact, and keeps the one that it names", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const a = (await artifacts.publish(await buildSource(artifacts, 1))).digest;
  const b = (await artifacts.publish(await buildSource(artifacts, 2))).digest;
  const name = "birds/small:1.0";

  const { tag } = await client.createTag({ name, digest: a });
  assert.deepEqual([tag?.name, tag?.digest], [name, a]);
  assert.deepEqual((await client.createTag({ name, digest: a })).tag, tag);
  const taken = await refusal(client.createTag({ name, digest: b }), Code.ALREADY_EXISTS, "TAG_TAKEN");
  assert.equal(taken.metadata["digest"], a);
  assert.equal((await client.getArtifact({ name: { case: "ref", value: name } })).artifact?.digest, a);
  await refusal(client.deleteArtifact({ digest: a }), Code.FAILED_PRECONDITION, "ARTIFACT_NEEDED");
  catalog.clock.aheadMs = 2 * 3_600_000;
  assert.deepEqual((await client.collectGarbage({})).artifacts, [b]);

  await client.deleteTag({ name });
  await refusal(client.deleteTag({ name }), Code.NOT_FOUND, "TAG_NOT_FOUND");
  await refusal(client.getArtifact({ name: { case: "ref", value: name } }), Code.NOT_FOUND, "TAG_NOT_FOUND");
  assert.deepEqual((await client.listTags({})).tags, []);
  await client.deleteArtifact({ digest: a });
  const c = (await artifacts.publish(await buildSource(artifacts, 3))).digest;
  await refusal(client.createTag({ name, digest: c }), Code.ALREADY_EXISTS, "TAG_TAKEN");
  await refusal(client.createTag({ name, digest: a }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  await artifacts.publish(await buildSource(artifacts, 1));
  assert.equal((await client.createTag({ name, digest: a })).tag?.digest, a);
});

test("tags are listed by name, in pages, and wrong ones are refused", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const { digest } = await artifacts.publish(await buildSource(artifacts, 1));
  for (const name of ["birds:2", "birds:1", "cats:1", "birds/small:1"]) await client.createTag({ name, digest });
  const names = async (prefix: string) => (await client.listTags({ prefix })).tags.map((tag) => tag.name);
  assert.deepEqual(await names("birds:"), ["birds:1", "birds:2"]);
  const first = await client.listTags({ pageSize: 3 });
  assert.deepEqual(
    first.tags.map(({ name }) => name),
    ["birds/small:1", "birds:1", "birds:2"],
  );
  const rest = await client.listTags({ pageSize: 3, pageToken: first.nextPageToken });
  assert.deepEqual([rest.tags.map(({ name }) => name), rest.nextPageToken], [["cats:1"], ""]);
  for (const name of ["", "birds", ":1", "birds:", "birds:-1", "birds:1:2", "a b:1", `birds:${"1".repeat(129)}`])
    assert.equal((await refusal(client.createTag({ name, digest }), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field, "name");
  await refusal(client.createTag({ name: "birds:3", digest: digestOf("else") }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
});

test("wrong annotations are refused, all of them", async () => {
  await using catalog = await startCatalog();
  const { client, artifacts } = catalog;
  const { digest } = await artifacts.publish(await buildSource(artifacts, 1));
  const field = async (request: Parameters<typeof client.annotateArtifact>[0]) =>
    (await refusal(client.annotateArtifact(request), Code.INVALID_ARGUMENT, "INVALID_FIELD")).violations[0]?.field;
  assert.equal(await field({ digest: "x" }), "digest");
  assert.equal(await field({ digest, set: { "a b": "c" } }), "set");
  assert.equal(await field({ digest, set: { a: "" } }), 'set["a"]');
  assert.equal(await field({ digest, remove: ["a", ""] }), "remove[1]");
  assert.equal(await field({ digest, set: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`n${i}`, "x"])) }), "set");
  await refusal(client.annotateArtifact({ digest: digestOf("else"), set: { a: "b" } }), Code.NOT_FOUND, "ARTIFACT_NOT_FOUND");
  assert.deepEqual((await artifacts.get(digest)).annotations, {});
});
